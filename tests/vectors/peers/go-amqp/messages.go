package main

import (
	"log"
	"time"

	"github.com/Azure/go-amqp"
)

func printMessage(name string, message *amqp.Message, text string) {
	encoded, err := message.MarshalBinary()
	if err != nil {
		log.Fatalf("%s: go-amqp does not encode it: %v", name, err)
	}
	printVector("message", name, encoded, text)
}

// printWithBody prints a message whose test is about its other sections.
func printWithBody(name string, message *amqp.Message, sections string) {
	message.Data = [][]byte{{0xca}}
	printMessage(name, message, sections+" data(ca)")
}

func pointer[T any](value T) *T {
	return &value
}

// printHeaders: go-amqp always writes durable, and priority unless it is 4, the default.
func printHeaders() {
	print := func(name string, header amqp.MessageHeader, text string) {
		printWithBody(name, &amqp.Message{Header: &header}, "header("+text+")")
	}
	print("header-zero", amqp.MessageHeader{}, "durable=false, priority=0")
	print("header-durable", amqp.MessageHeader{Durable: true, Priority: 4}, "durable=true")
	print("header-ttl", amqp.MessageHeader{Priority: 4, TTL: 256 * time.Millisecond},
		"durable=false, ttl=256")
	print("header-all-fields",
		amqp.MessageHeader{Durable: true, Priority: 255, TTL: time.Minute, FirstAcquirer: true,
			DeliveryCount: 3},
		"durable=true, priority=255, ttl=60000, first-acquirer=true, delivery-count=3")
}

func printProperties() {
	print := func(name string, properties amqp.MessageProperties, text string) {
		printWithBody(name, &amqp.Message{Properties: &properties}, "properties("+text+")")
	}
	print("properties-empty", amqp.MessageProperties{}, "")
	print("message-id-ulong", amqp.MessageProperties{MessageID: uint64(0), CorrelationID: uint64(256)},
		"message-id=ulong(0), correlation-id=ulong(256)")
	print("message-id-uuid", amqp.MessageProperties{MessageID: exampleUUID},
		"message-id="+exampleUUIDText)
	print("message-id-binary", amqp.MessageProperties{MessageID: []byte{0x00, 0xff}},
		"message-id=binary(00ff)")
	print("message-id-string", amqp.MessageProperties{MessageID: "", CorrelationID: "c"},
		`message-id="", correlation-id="c"`)
	print("properties-times",
		amqp.MessageProperties{
			AbsoluteExpiryTime: pointer(time.UnixMilli(1700000000000)),
			CreationTime:       pointer(time.UnixMilli(-1)),
		},
		"absolute-expiry-time=timestamp(1700000000000), creation-time=timestamp(-1)")
	print("properties-all-fields",
		amqp.MessageProperties{
			MessageID: "m", UserID: []byte("alice"), To: pointer("t"), Subject: pointer(""),
			ReplyTo: pointer("r"), CorrelationID: uint64(1), ContentType: pointer("text/plain"),
			ContentEncoding: pointer("gzip"), AbsoluteExpiryTime: pointer(time.UnixMilli(2)),
			CreationTime: pointer(time.UnixMilli(1)), GroupID: pointer("g"),
			GroupSequence: pointer(uint32(4294967295)), ReplyToGroupID: pointer("h"),
		},
		`message-id="m", user-id=binary(616c696365), to="t", subject="", reply-to="r", `+
			`correlation-id=ulong(1), content-type=:"text/plain", content-encoding=:"gzip", `+
			"absolute-expiry-time=timestamp(2), creation-time=timestamp(1), "+
			`group-id="g", group-sequence=4294967295, reply-to-group-id="h"`)
}

func printMaps() {
	printWithBody("delivery-annotations",
		&amqp.Message{DeliveryAnnotations: amqp.Annotations{"x-opt-to": "q"}},
		`delivery-annotations{:"x-opt-to": "q"}`)
	printWithBody("message-annotations",
		&amqp.Message{Annotations: amqp.Annotations{amqp.Symbol("x-opt-offset"): int64(-1)}},
		`message-annotations{:"x-opt-offset": long(-1)}`)
	printWithBody("message-annotations-empty", &amqp.Message{Annotations: amqp.Annotations{}},
		"message-annotations{}")
}

// printApplicationProperties prints one message for each type that go-amqp has for them.
func printApplicationProperties() {
	print := func(name string, value any, text string) {
		printWithBody("application-properties-"+name,
			&amqp.Message{ApplicationProperties: map[string]any{"k": value}},
			`application-properties{"k": `+text+"}")
	}
	print("null", nil, "null")
	print("boolean", true, "true")
	print("ubyte", uint8(255), "ubyte(255)")
	print("ushort", uint16(256), "ushort(256)")
	print("uint", uint32(256), "uint(256)")
	print("ulong", uint64(256), "ulong(256)")
	print("byte", int8(-1), "byte(-1)")
	print("short", int16(-1), "short(-1)")
	print("int", int32(-1), "int(-1)")
	print("long", int64(-129), "long(-129)")
	print("float", float32(1.5), "float(1.5)")
	print("double", 0.1, "double(0.1)")
	print("timestamp", time.UnixMilli(1), "timestamp(1)")
	print("uuid", exampleUUID, exampleUUIDText)
	print("binary", []byte{0xff}, "binary(ff)")
	print("string", "\u20ac", "\"\u20ac\"")
	print("symbol", amqp.Symbol("s"), `:"s"`)
}

func printBodies() {
	printMessage("data-empty", amqp.NewMessage([]byte{}), "data()")
	printMessage("data-sections", &amqp.Message{Data: [][]byte{{0x61}, {0x62, 0x63}}},
		"data(61) data(6263)")
	printMessage("sequence-empty", &amqp.Message{Sequence: [][]any{{}}}, "amqp-sequence[]")
	printMessage("sequence-sections",
		&amqp.Message{Sequence: [][]any{{uint32(1), nil}, {"a", []any{}}}},
		`amqp-sequence[uint(1), null] amqp-sequence["a", []]`)
	printMessage("footer",
		&amqp.Message{Data: [][]byte{{0xca}}, Footer: amqp.Annotations{"x-crc": uint32(7)}},
		`data(ca) footer{:"x-crc": uint(7)}`)
	printMessage("all-sections",
		&amqp.Message{
			Header:                &amqp.MessageHeader{Durable: true, Priority: 4},
			DeliveryAnnotations:   amqp.Annotations{"d": uint32(1)},
			Annotations:           amqp.Annotations{"m": uint32(2)},
			Properties:            &amqp.MessageProperties{To: pointer("q")},
			ApplicationProperties: map[string]any{"a": uint32(3)},
			Value:                 "body",
			Footer:                amqp.Annotations{"f": uint32(4)},
		},
		`header(durable=true) delivery-annotations{:"d": uint(1)} `+
			`message-annotations{:"m": uint(2)} properties(to="q") `+
			`application-properties{"a": uint(3)} amqp-value("body") footer{:"f": uint(4)}`)
}

func printMessages() {
	printHeaders()
	printProperties()
	printMaps()
	printApplicationProperties()
	printBodies()
}
