package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"time"

	"github.com/Azure/go-amqp"
)

// step is one frame that the client writes, and what the stub answers.
type step struct {
	name  string // of the vector; empty for a frame that another vector shows already
	text  string // of the frame, or of its performative if payloadSize is set
	reply []byte
	// payloadSize is the size of a payload that is only a part of a message: the vector is then
	// the performative alone.
	payloadSize int
}

const (
	frameHeaderSize = 8
	frameTypeAMQP   = 0
	frameTypeSASL   = 1
)

// converse connects a client to a stub that follows the steps, calls use, and closes the client.
// The frame close is the last step.
func converse(options amqp.ConnOptions, steps []step, use func(context.Context, *amqp.Conn)) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	clientEnd, stubEnd := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		follow(stubEnd, steps)
	}()
	options.ContainerID = "client"
	connection, err := amqp.NewConn(ctx, clientEnd, &options)
	check(err)
	use(ctx, connection)
	// A pipe closes with another error than a socket, which go-amqp hands on; follow has already
	// ended the program if the frame close is missing.
	_ = connection.Close()
	<-done
}

// follow reads one frame for each step, prints it and answers it.
func follow(stream net.Conn, steps []step) {
	for _, step := range steps {
		frame := readFrame(stream)
		switch {
		case step.name == "":
		case step.payloadSize != 0:
			body := frame[frameHeaderSize : len(frame)-step.payloadSize]
			printVector("performative", step.name, body, step.text)
		default:
			printVector("frame", step.name, frame, step.text)
		}
		if len(step.reply) > 0 {
			_, err := stream.Write(step.reply)
			check(err)
		}
	}
}

// readFrame reads the next frame; it answers the protocol headers that come before.
func readFrame(stream net.Conn) []byte {
	header := make([]byte, frameHeaderSize)
	for {
		_, err := io.ReadFull(stream, header)
		if err != nil {
			log.Fatalf("the client wrote fewer frames than the steps want: %v", err)
		}
		if !bytes.HasPrefix(header, []byte("AMQP")) {
			break
		}
		reply := header
		if header[4] == 3 { // the protocol id of SASL
			reply = append(reply, saslMechanisms()...)
		}
		_, err = stream.Write(reply)
		check(err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(header))
	copy(frame, header)
	_, err := io.ReadFull(stream, frame[frameHeaderSize:])
	check(err)
	return frame
}

// What follows builds the answers, in the plainest encodings that AMQP has.

func frame(frameType byte, channel uint16, body []byte) []byte {
	encoded := binary.BigEndian.AppendUint32(nil, uint32(frameHeaderSize+len(body)))
	encoded = append(encoded, 2, frameType)
	encoded = binary.BigEndian.AppendUint16(encoded, channel)
	return append(encoded, body...)
}

// composite is a described list32; fields are encoded already.
func composite(code byte, fields ...[]byte) []byte {
	content := bytes.Join(fields, nil)
	encoded := []byte{0x00, 0x53, code, 0xd0}
	encoded = binary.BigEndian.AppendUint32(encoded, uint32(4+len(content)))
	encoded = binary.BigEndian.AppendUint32(encoded, uint32(len(fields)))
	return append(encoded, content...)
}

var (
	nullField  = []byte{0x40}
	trueField  = []byte{0x41}
	falseField = []byte{0x42}
)

func uintField(number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0x70}, number)
}

func ushortField(number uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{0x60}, number)
}

func ubyteField(number byte) []byte {
	return []byte{0x50, number}
}

// shortField is a string (code 0xa1), symbol (0xa3) or binary (0xa0) of less than 256 bytes.
func shortField(code byte, content string) []byte {
	return append([]byte{code, byte(len(content))}, content...)
}

func saslMechanisms() []byte {
	symbols := append([]byte{0xe0, 18, 2, 0xa3, 5}, "PLAIN"...)
	symbols = append(append(symbols, 9), "ANONYMOUS"...)
	return frame(frameTypeSASL, 0, composite(0x40, symbols))
}

func saslOutcomeOK() []byte {
	return frame(frameTypeSASL, 0, composite(0x44, ubyteField(0)))
}

// open offers the client a max-frame-size, bytes.
func open(maxFrameSize uint32) []byte {
	return frame(frameTypeAMQP, 0,
		composite(0x10, shortField(0xa1, "server"), nullField, uintField(maxFrameSize)))
}

func begin(channel uint16) []byte {
	return frame(frameTypeAMQP, channel, composite(0x11, ushortField(channel), uintField(0),
		uintField(1000), uintField(1000)))
}

// attachReceiver answers a sender with the modes that it asked for, and gives it 100 credits.
func attachReceiver(name string, sndSettleMode, rcvSettleMode byte) []byte {
	attach := composite(0x12, shortField(0xa1, name), uintField(0), trueField,
		ubyteField(sndSettleMode), ubyteField(rcvSettleMode), composite(0x28),
		composite(0x29, shortField(0xa1, "q")))
	flow := composite(0x13, uintField(0), uintField(1000), uintField(0), uintField(1000),
		uintField(0), uintField(0), uintField(100))
	return append(frame(frameTypeAMQP, 0, attach), frame(frameTypeAMQP, 0, flow)...)
}

// attachSender answers a receiver with the modes that it asked for.
func attachSender(name string, sndSettleMode, rcvSettleMode byte) []byte {
	return frame(frameTypeAMQP, 0, composite(0x12, shortField(0xa1, name), uintField(0),
		falseField, ubyteField(sndSettleMode), ubyteField(rcvSettleMode),
		composite(0x28, shortField(0xa1, "q")), composite(0x29), nullField, nullField,
		uintField(0)))
}

// transfers is count deliveries of one small message each.
func transfers(count uint32) []byte {
	var encoded []byte
	for id := uint32(0); id < count; id++ {
		transfer := composite(0x14, uintField(0), uintField(id),
			shortField(0xa0, string(rune('a'+id))), uintField(0), falseField)
		message := []byte{0x00, 0x53, 0x77, 0x41}
		encoded = append(encoded, frame(frameTypeAMQP, 0, append(transfer, message...))...)
	}
	return encoded
}

// dispositionAccepted settles one delivery; the stub is the receiver of it, or the sender.
func dispositionAccepted(isReceiver bool, id uint32) []byte {
	role := falseField
	if isReceiver {
		role = trueField
	}
	return frame(frameTypeAMQP, 0, composite(0x15, role, uintField(id), uintField(id), trueField,
		composite(0x24)))
}

// flowDrained says that a sender has used up all credit, up to deliveryCount.
func flowDrained(deliveryCount uint32) []byte {
	return frame(frameTypeAMQP, 0, composite(0x13, uintField(0), uintField(1000), uintField(0),
		uintField(1000), uintField(0), uintField(deliveryCount), uintField(0), uintField(0),
		trueField))
}

func detach() []byte {
	return frame(frameTypeAMQP, 0, composite(0x16, uintField(0), trueField))
}

func end(channel uint16) []byte {
	return frame(frameTypeAMQP, channel, composite(0x17))
}
