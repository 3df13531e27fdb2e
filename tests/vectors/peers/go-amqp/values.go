package main

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/Azure/go-amqp"
)

var exampleUUID = amqp.UUID{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0,
	0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}

const exampleUUIDText = "uuid(f81d4fae-7dec-11d0-a765-00a0c91e6bf6)"

// printValue prints a message that is nothing but the value, for go-amqp encodes no bare values.
func printValue(name string, value any, text string) {
	printMessage("value-"+name, &amqp.Message{Value: value}, "amqp-value("+text+")")
}

func printIntegers() {
	printValue("ubyte-0", uint8(0), "ubyte(0)")
	printValue("ubyte-max", uint8(255), "ubyte(255)")
	printValue("ushort-1", uint16(1), "ushort(1)")
	printValue("ushort-max", uint16(65535), "ushort(65535)")
	printValue("uint-0", uint32(0), "uint(0)")
	printValue("uint-255", uint32(255), "uint(255)")
	printValue("uint-256", uint32(256), "uint(256)")
	printValue("uint-max", uint32(math.MaxUint32), "uint(4294967295)")
	printValue("ulong-0", uint64(0), "ulong(0)")
	printValue("ulong-255", uint64(255), "ulong(255)")
	printValue("ulong-256", uint64(256), "ulong(256)")
	printValue("ulong-max", uint64(math.MaxUint64), "ulong(18446744073709551615)")
	printValue("byte-min", int8(-128), "byte(-128)")
	printValue("byte-max", int8(127), "byte(127)")
	printValue("short-min", int16(-32768), "short(-32768)")
	printValue("short-256", int16(256), "short(256)")
	printValue("int-0", int32(0), "int(0)")
	printValue("int-127", int32(127), "int(127)")
	printValue("int-128", int32(128), "int(128)")
	printValue("int-minus-128", int32(-128), "int(-128)")
	printValue("int-minus-129", int32(-129), "int(-129)")
	printValue("int-min", int32(math.MinInt32), "int(-2147483648)")
	printValue("long-minus-1", int64(-1), "long(-1)")
	printValue("long-128", int64(128), "long(128)")
	printValue("long-min", int64(math.MinInt64), "long(-9223372036854775808)")
	printValue("long-max", int64(math.MaxInt64), "long(9223372036854775807)")
}

func printOtherScalars() {
	printValue("null", amqp.Null{}, "null")
	printValue("true", true, "true")
	printValue("false", false, "false")
	printValue("float-1-5", float32(1.5), "float(1.5)")
	printValue("float-minus-0", float32(math.Copysign(0, -1)), "float(-0)")
	printValue("float-0-1", float32(0.1), "float(0.1)")
	printValue("float-infinity", float32(math.Inf(1)), "float(0x7f800000)")
	printValue("double-minus-2-25", -2.25, "double(-2.25)")
	printValue("double-0-1", 0.1, "double(0.1)")
	printValue("double-nan", math.Float64frombits(0x7ff8000000000000),
		"double(0x7ff8000000000000)")
	printValue("timestamp-0", time.UnixMilli(0), "timestamp(0)")
	printValue("timestamp-2011", time.UnixMilli(1311704463521), "timestamp(1311704463521)")
	printValue("timestamp-before-1970", time.UnixMilli(-1), "timestamp(-1)")
	printValue("uuid", exampleUUID, exampleUUIDText)
}

func printVariableWidths() {
	printValue("binary-empty", []byte{}, "binary()")
	printValue("binary-255-bytes", bytes.Repeat([]byte{0xa5}, 255),
		"binary("+strings.Repeat("a5", 255)+")")
	printValue("binary-256-bytes", bytes.Repeat([]byte{0xa5}, 256),
		"binary("+strings.Repeat("a5", 256)+")")
	printValue("string-empty", "", `""`)
	printValue("string-utf8", "gr\u00fc\u00df \u20ac \U0001f600", "\"gr\u00fc\u00df \u20ac \U0001f600\"")
	printValue("string-escapes", "\"\\\b\f\n\r\t\x00\x1f\x7f/", `"\"\\\b\f\n\r\t\u0000\u001f\u007f/"`)
	printValue("string-255-bytes", strings.Repeat("x", 255), `"`+strings.Repeat("x", 255)+`"`)
	printValue("string-256-bytes", strings.Repeat("x", 256), `"`+strings.Repeat("x", 256)+`"`)
	printValue("symbol-empty", amqp.Symbol(""), `:""`)
	printValue("symbol-accepted", amqp.Symbol("amqp:accepted:list"), `:"amqp:accepted:list"`)
	printValue("symbol-256-bytes", amqp.Symbol(strings.Repeat("x", 256)),
		`:"`+strings.Repeat("x", 256)+`"`)
}

func printCompounds() {
	printValue("list-empty", []any{}, "[]")
	printValue("list-of-each-kind",
		[]any{nil, true, uint8(1), uint32(0), int64(-1), 1.5, "a", amqp.Symbol("b"), exampleUUID},
		`[null, true, ubyte(1), uint(0), long(-1), double(1.5), "a", :"b", `+exampleUUIDText+"]")
	printValue("list-nested", []any{[]any{[]any{}}, map[any]any{uint32(1): []any{nil}}},
		"[[[]], {uint(1): [null]}]")
	printValue("map-empty", map[string]any{}, "{}")
	printValue("map-of-string", map[string]any{"k": uint32(1)}, `{"k": uint(1)}`)
	printValue("map-of-symbol", map[amqp.Symbol]any{"k": nil}, `{:"k": null}`)
	printValue("map-of-long", map[any]any{int64(-1): []byte{0xff}}, "{long(-1): binary(ff)}")
	printValue("map-nested", map[string]any{"outer": map[string]any{"inner": map[any]any{}}},
		`{"outer": {"inner": {}}}`)
}

func printArrays() {
	printValue("array-of-boolean", []bool{true, false}, "array<boolean>[true, false]")
	printValue("array-of-byte", []int8{-128, 127}, "array<byte>[byte(-128), byte(127)]")
	printValue("array-of-short", []int16{-1, 300}, "array<short>[short(-1), short(300)]")
	printValue("array-of-ushort", []uint16{0, 65535}, "array<ushort>[ushort(0), ushort(65535)]")
	printValue("array-of-smallint", []int32{-128, 127}, "array<int>[int(-128), int(127)]")
	printValue("array-of-int", []int32{-129, 128}, "array<int>[int(-129), int(128)]")
	printValue("array-of-smalluint", []uint32{0, 255}, "array<uint>[uint(0), uint(255)]")
	printValue("array-of-uint", []uint32{0, 256}, "array<uint>[uint(0), uint(256)]")
	printValue("array-of-smalllong", []int64{-1}, "array<long>[long(-1)]")
	printValue("array-of-long", []int64{math.MaxInt64, -1},
		"array<long>[long(9223372036854775807), long(-1)]")
	printValue("array-of-smallulong", []uint64{0, 255}, "array<ulong>[ulong(0), ulong(255)]")
	printValue("array-of-ulong", []uint64{math.MaxUint64},
		"array<ulong>[ulong(18446744073709551615)]")
	printValue("array-of-float", []float32{1.5, -2.25}, "array<float>[float(1.5), float(-2.25)]")
	printValue("array-of-double", []float64{0.1}, "array<double>[double(0.1)]")
	printValue("array-of-timestamp", []time.Time{time.UnixMilli(0), time.UnixMilli(-1)},
		"array<timestamp>[timestamp(0), timestamp(-1)]")
	printValue("array-of-uuid", []amqp.UUID{exampleUUID}, "array<uuid>["+exampleUUIDText+"]")
	printValue("array-of-str8", []string{"a", ""}, `array<string>["a", ""]`)
	printValue("array-of-str32", []string{strings.Repeat("x", 256), "y"},
		`array<string>["`+strings.Repeat("x", 256)+`", "y"]`)
	printValue("array-of-symbol", []amqp.Symbol{"a", "bc"}, `array<symbol>[:"a", :"bc"]`)
	printValue("array-of-binary", [][]byte{{0}, {}}, "array<binary>[binary(00), binary()]")
	printValue("array-of-map", []map[any]any{{"k": true}, {}}, `array<map>[{"k": true}, {}]`)
	printValue("array-empty", []uint16{}, "array<ushort>[]")

	// Around the change from array8 to array32: 253 elements, their count and their constructor
	// are 255 bytes.
	printValue("array-of-253-bytes", make([]int8, 253),
		"array<byte>["+strings.Repeat("byte(0), ", 252)+"byte(0)]")
	printValue("array-of-254-bytes", make([]int8, 254),
		"array<byte>["+strings.Repeat("byte(0), ", 253)+"byte(0)]")
}

func printValues() {
	printIntegers()
	printOtherScalars()
	printVariableWidths()
	printCompounds()
	printArrays()
}
