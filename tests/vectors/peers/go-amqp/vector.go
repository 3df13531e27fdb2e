package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"runtime/debug"
)

const peerModule = "github.com/Azure/go-amqp"

var (
	output = bufio.NewWriter(os.Stdout)
	origin = "go-amqp " + peerVersion()
)

// peerVersion is the version of go-amqp that this program was built with.
func peerVersion() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, module := range info.Deps {
			if module.Path == peerModule {
				return module.Version
			}
		}
	}
	log.Fatalf("%s is not among the modules of this program", peerModule)
	return ""
}

// printVector writes one line of the vector file with the status ok.
func printVector(kind, name string, encoded []byte, text string) {
	fmt.Fprintf(output, "%s\t%s\t%s\tok\t%d\t%s\t%s\n",
		kind, origin, name, len(encoded), hex.EncodeToString(encoded), text)
}

// check ends the program if err is set: a half-written file of vectors is worth nothing.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
