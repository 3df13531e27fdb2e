// go-amqp as a peer of the client: sends numbered messages to an address, or receives them from one.
//
//	peer send|receive URL ADDRESS COUNT SIZE
//
// Messages are those of client_peer: 8 bytes with the number, then a pattern. The last line is a summary, JSON.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"strconv"
	"time"

	"github.com/Azure/go-amqp"
)

type summary struct {
	Sent     int    `json:"sent"`
	Received int    `json:"received"`
	Distinct int    `json:"distinct"`
	Bad      int    `json:"bad"`
	Failure  string `json:"failure"`
}

func body(number uint64, size int) []byte {
	made := make([]byte, size)
	binary.BigEndian.PutUint64(made, number)
	for i := 8; i < size; i++ {
		made[i] = byte(int(number)*31 + i*7 + i>>8)
	}
	return made
}

func color(number uint64) string {
	if number%2 == 0 {
		return "red"
	}
	return "blue"
}

func send(ctx context.Context, session *amqp.Session, address string, count, size int, found *summary) error {
	sender, err := session.NewSender(ctx, address, nil)
	if err != nil {
		return err
	}
	for i := 0; i < count; i++ {
		number := uint64(i)
		message := amqp.NewMessage(body(number, size))
		message.Header = &amqp.MessageHeader{Durable: true}
		message.ApplicationProperties = map[string]any{"color": color(number)}
		if err := sender.Send(ctx, message, nil); err != nil {
			return err
		}
		found.Sent++
	}
	return sender.Close(ctx)
}

func receive(ctx context.Context, session *amqp.Session, address string, count, size int, found *summary) error {
	receiver, err := session.NewReceiver(ctx, address, &amqp.ReceiverOptions{Credit: 100})
	if err != nil {
		return err
	}
	seen := map[uint64]bool{}
	for found.Received < count {
		message, err := receiver.Receive(ctx, nil)
		if err != nil {
			return err
		}
		data := message.GetData()
		number := binary.BigEndian.Uint64(data)
		if !bytes.Equal(data, body(number, size)) || message.ApplicationProperties["color"] != color(number) {
			found.Bad++
		}
		seen[number] = true
		found.Received++
		if err := receiver.AcceptMessage(ctx, message); err != nil {
			return err
		}
	}
	found.Distinct = len(seen)
	return receiver.Close(ctx)
}

func run(words []string, found *summary) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	count, err := strconv.Atoi(words[3])
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(words[4])
	if err != nil {
		return err
	}
	connection, err := amqp.Dial(ctx, words[1], &amqp.ConnOptions{SASLType: amqp.SASLTypePlain("alice", "not so secret")})
	if err != nil {
		return err
	}
	session, err := connection.NewSession(ctx, nil)
	if err != nil {
		return err
	}
	if words[0] == "send" {
		err = send(ctx, session, words[2], count, size, found)
	} else {
		err = receive(ctx, session, words[2], count, size, found)
	}
	if err != nil {
		return err
	}
	return connection.Close()
}

func main() {
	var found summary
	if err := run(os.Args[1:], &found); err != nil {
		found.Failure = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(found)
}
