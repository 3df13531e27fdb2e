// Test vectors as Azure/go-amqp encodes them: messages and the values in them (messages.go,
// values.go), and the frames that a client writes to a stub of a server (frames.go, stub.go).
// Writes go-amqp.tsv to standard output; see docs/notation.md for the format.
//
// Every text is written from what we ask go-amqp to encode, never from the bytes that come out.
// go-amqp walks Go maps in random order, and so no map here has more than one entry.
package main

// notes say at the top of the file what was left out of it.
const notes = `# Written by tests/vectors/peers/generate: the bytes of Azure/go-amqp.
# Left out, because what go-amqp writes is not legal AMQP 1.0:
# - a message without a body: it ends after its other sections (AMQP 3.2 wants a body);
# - annotations with a key of a Go integer: written as long, where ulong belongs (AMQP 3.2.10);
# - the info of an error: its keys are strings, where the type fields wants symbols (AMQP 2.8.14).
# Left out, because go-amqp does not write what it is asked to:
# - arrays of int or long with an element under -128 and none over 127: cut down to one byte each.
`

func main() {
	output.WriteString(notes)
	printMessages()
	printValues()
	printFrames()
	check(output.Flush())
}
