package main

import (
	"bytes"
	"context"
	"time"

	"github.com/Azure/go-amqp"
)

// The frames that a client writes, in conversations with the stub of stub.go. What go-amqp adds on
// its own (windows, credit, modes) was read from the bytes by hand, against AMQP 1.0 part 2.

func printConnectionFrames() {
	converse(
		amqp.ConnOptions{
			SASLType: amqp.SASLTypePlain("user", "password"), HostName: "example.org",
			MaxFrameSize: 4096, MaxSessions: 256, Properties: map[string]any{"k": uint32(1)},
		},
		[]step{
			{name: "sasl-init-plain", reply: saslOutcomeOK(),
				text: `[sasl] sasl-init(mechanism=:"PLAIN", ` +
					"initial-response=binary(00757365720070617373776f7264))"},
			{name: "open-all-fields", reply: open(65536),
				// go-amqp gives MaxSessions as channel-max, although that counts from 0, and half
				// of its idle time-out of one minute.
				text: `[0] open(container-id="client", hostname="example.org", ` +
					"max-frame-size=4096, channel-max=256, idle-time-out=30000, " +
					`properties={:"k": uint(1)})`},
			{name: "begin", reply: begin(0),
				text: "[0] begin(next-outgoing-id=0, incoming-window=5000, outgoing-window=5000, " +
					"handle-max=4294967294)"},
			{name: "begin-channel-1", reply: begin(1),
				text: "[1] begin(next-outgoing-id=0, incoming-window=5000, outgoing-window=5000, " +
					"handle-max=255)"},
			{name: "end", reply: end(1), text: "[1] end()"},
			{name: "close", text: "[0] close()"},
		},
		func(ctx context.Context, connection *amqp.Conn) {
			_, err := connection.NewSession(ctx, nil)
			check(err)
			session, err := connection.NewSession(ctx, &amqp.SessionOptions{MaxLinks: 256})
			check(err)
			check(session.Close(ctx))
		})
	converse(
		amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous(), IdleTimeout: 10 * time.Second},
		[]step{
			{name: "sasl-init-anonymous", reply: saslOutcomeOK(),
				text: `[sasl] sasl-init(mechanism=:"ANONYMOUS", ` +
					"initial-response=binary(616e6f6e796d6f7573))"},
			{name: "open", reply: open(65536),
				text: `[0] open(container-id="client", max-frame-size=65536, idle-time-out=5000)`},
			{},
		},
		func(context.Context, *amqp.Conn) {})
}

// withSession is a conversation about links, between begin and close.
func withSession(maxFrameSize uint32, steps []step, use func(context.Context, *amqp.Session)) {
	all := append([]step{{reply: open(maxFrameSize)}, {reply: begin(0)}}, steps...)
	all = append(all, step{})
	converse(amqp.ConnOptions{}, all, func(ctx context.Context, connection *amqp.Conn) {
		session, err := connection.NewSession(ctx, nil)
		check(err)
		use(ctx, session)
	})
}

func printSenderFrames() {
	withSession(65536,
		[]step{
			{name: "attach-sender-all-fields", reply: attachReceiver("sender", 2, 0),
				text: `[0] attach(name="sender", handle=0, role=sender, snd-settle-mode=mixed, ` +
					`rcv-settle-mode=first, source=source(address="s", durable=unsettled-state, ` +
					`expiry-policy=never, timeout=300, capabilities=[:"a"]), ` +
					`target=target(address="q", durable=configuration, ` +
					`expiry-policy=connection-close, timeout=256, capabilities=[:"queue"]), ` +
					`initial-delivery-count=0, desired-capabilities=[:"b", :"c"], ` +
					`properties={:"k": true})`},
			{name: "transfer", reply: dispositionAccepted(true, 0),
				text: "[0] transfer(handle=0, delivery-id=0, " +
					"delivery-tag=binary(0000000000000000), message-format=0) data(ca)"},
			{name: "transfer-settled",
				text: "[0] transfer(handle=0, delivery-id=1, delivery-tag=binary(746167), " +
					`message-format=7, settled=true) amqp-value("x")`},
			{name: "detach", reply: detach(), text: "[0] detach(handle=0, closed=true)"},
			{name: "end-channel-0", reply: end(0), text: "[0] end()"},
		},
		func(ctx context.Context, session *amqp.Session) {
			sender, err := session.NewSender(ctx, "q", &amqp.SenderOptions{
				Name: "sender", Capabilities: []string{"a"}, DesiredCapabilities: []string{"b", "c"},
				Durability: amqp.DurabilityUnsettledState, ExpiryPolicy: amqp.ExpiryPolicyNever,
				ExpiryTimeout: 300, Properties: map[string]any{"k": true}, SourceAddress: "s",
				SettlementMode:              amqp.SenderSettleModeMixed.Ptr(),
				RequestedReceiverSettleMode: amqp.ReceiverSettleModeFirst.Ptr(),
				TargetCapabilities:          []string{"queue"}, TargetDurability: amqp.DurabilityConfiguration,
				TargetExpiryPolicy: amqp.ExpiryPolicyConnectionClose, TargetExpiryTimeout: 256,
			})
			check(err)
			check(sender.Send(ctx, amqp.NewMessage([]byte{0xca}), nil))
			message := &amqp.Message{Value: "x", DeliveryTag: []byte("tag"), Format: 7}
			check(sender.Send(ctx, message, &amqp.SendOptions{Settled: true}))
			check(sender.Close(ctx))
			check(session.Close(ctx))
		})
}

// printTransferInParts sends a message of 1000 bytes in frames of at most 512 bytes. go-amqp keeps
// 66 bytes of each for the header and the performative.
func printTransferInParts() {
	const partSize = 512 - 66
	withSession(512,
		[]step{
			{reply: attachReceiver("sender", 2, 0)},
			{name: "transfer-part-1", payloadSize: partSize,
				text: "transfer(handle=0, delivery-id=0, delivery-tag=binary(0000000000000000), " +
					"message-format=0, more=true)"},
			{name: "transfer-part-2", payloadSize: partSize,
				text: "transfer(handle=0, more=true)"},
			{name: "transfer-part-3", payloadSize: 1000 - 2*partSize, reply: dispositionAccepted(true, 0),
				text: "transfer(handle=0)"},
		},
		func(ctx context.Context, session *amqp.Session) {
			sender, err := session.NewSender(ctx, "q", &amqp.SenderOptions{Name: "sender"})
			check(err)
			// The section data adds 8 bytes to its content.
			check(sender.Send(ctx, amqp.NewMessage(bytes.Repeat([]byte("x"), 1000-8)), nil))
		})
}

func newReceiver(
	ctx context.Context, session *amqp.Session, options amqp.ReceiverOptions,
) *amqp.Receiver {
	options.Name = "receiver"
	options.Credit = -1 // credit comes by hand, and with it every flow
	receiver, err := session.NewReceiver(ctx, "q", &options)
	check(err)
	return receiver
}

func receive(ctx context.Context, receiver *amqp.Receiver) *amqp.Message {
	message, err := receiver.Receive(ctx, nil)
	check(err)
	return message
}

func printReceiverFrames() {
	withSession(65536,
		[]step{
			{name: "attach-receiver", reply: attachSender("receiver", 2, 0),
				text: `[0] attach(name="receiver", handle=0, role=receiver, ` +
					`source=source(address="q"), target=target())`},
			{name: "flow-credit", reply: transfers(6),
				text: "[0] flow(next-incoming-id=0, incoming-window=5000, next-outgoing-id=0, " +
					"outgoing-window=5000, handle=0, delivery-count=0, link-credit=10)"},
			{name: "disposition-accepted",
				text: "[0] disposition(role=receiver, first=0, settled=true, state=accepted())"},
			{name: "disposition-rejected",
				text: "[0] disposition(role=receiver, first=1, settled=true, state=rejected())"},
			{name: "disposition-rejected-with-error",
				text: "[0] disposition(role=receiver, first=2, settled=true, " +
					"state=rejected(error=error(" +
					`condition=:"amqp:decode-error", description="bad")))`},
			{name: "disposition-released",
				text: "[0] disposition(role=receiver, first=3, settled=true, state=released())"},
			{name: "disposition-modified",
				text: "[0] disposition(role=receiver, first=4, settled=true, state=modified())"},
			{name: "disposition-modified-annotations",
				text: "[0] disposition(role=receiver, first=5, settled=true, " +
					"state=modified(delivery-failed=true, undeliverable-here=true, " +
					`message-annotations={:"x-reason": "later"}))`},
			// go-amqp asks for the drain with no credit, although it had given 4 more.
			{name: "flow-drain", reply: flowDrained(10),
				text: "[0] flow(next-incoming-id=6, incoming-window=5000, next-outgoing-id=0, " +
					"outgoing-window=5000, handle=0, delivery-count=6, link-credit=0, drain=true)"},
		},
		func(ctx context.Context, session *amqp.Session) {
			receiver := newReceiver(ctx, session, amqp.ReceiverOptions{})
			check(receiver.IssueCredit(10))
			check(receiver.AcceptMessage(ctx, receive(ctx, receiver)))
			check(receiver.RejectMessage(ctx, receive(ctx, receiver), nil))
			check(receiver.RejectMessage(ctx, receive(ctx, receiver),
				&amqp.Error{Condition: amqp.ErrCondDecodeError, Description: "bad"}))
			check(receiver.ReleaseMessage(ctx, receive(ctx, receiver)))
			check(receiver.ModifyMessage(ctx, receive(ctx, receiver), nil))
			check(receiver.ModifyMessage(ctx, receive(ctx, receiver), &amqp.ModifyMessageOptions{
				DeliveryFailed: true, UndeliverableHere: true,
				Annotations: amqp.Annotations{"x-reason": "later"},
			}))
			check(receiver.DrainCredit(ctx, nil))
		})
}

// printSecondModeFrames: a receiver in mode second waits for the sender to settle.
func printSecondModeFrames() {
	withSession(65536,
		[]step{
			{name: "attach-receiver-all-fields", reply: attachSender("receiver", 0, 1),
				text: `[0] attach(name="receiver", handle=0, role=receiver, ` +
					`snd-settle-mode=unsettled, rcv-settle-mode=second, ` +
					`source=source(address="q", durable=unsettled-state, expiry-policy=never, ` +
					`timeout=4294967295, distribution-mode=:"copy", ` +
					`filter={:"apache.org:selector-filter:string": ` +
					`@ulong(77567109365764) "color = 'red'"}, capabilities=[:"topic"]), ` +
					`target=target(address="t", durable=configuration, ` +
					`expiry-policy=link-detach, timeout=10, capabilities=[:"a"]), ` +
					`max-message-size=4294967296, desired-capabilities=[:"b"], ` +
					`properties={:"k": "v"})`},
			{reply: transfers(1)},
			{name: "disposition-accepted-unsettled", reply: dispositionAccepted(false, 0),
				text: "[0] disposition(role=receiver, first=0, state=accepted())"},
		},
		func(ctx context.Context, session *amqp.Session) {
			receiver := newReceiver(ctx, session, amqp.ReceiverOptions{
				Capabilities: []string{"a"}, DesiredCapabilities: []string{"b"},
				Durability: amqp.DurabilityConfiguration, ExpiryPolicy: amqp.ExpiryPolicyLinkDetach,
				ExpiryTimeout:  10,
				Filters:        []amqp.LinkFilter{amqp.NewSelectorFilter("color = 'red'")},
				MaxMessageSize: 4294967296, Properties: map[string]any{"k": "v"},
				RequestedSenderSettleMode: amqp.SenderSettleModeUnsettled.Ptr(),
				SettlementMode:            amqp.ReceiverSettleModeSecond.Ptr(), TargetAddress: "t",
				SourceCapabilities: []string{"topic"},
				SourceDurability:   amqp.DurabilityUnsettledState,
				SourceExpiryPolicy: amqp.ExpiryPolicyNever, SourceExpiryTimeout: 4294967295,
				SourceDistributionMode: "copy",
			})
			check(receiver.IssueCredit(1))
			check(receiver.AcceptMessage(ctx, receive(ctx, receiver)))
		})
}

func printFrames() {
	printConnectionFrames()
	printSenderFrames()
	printTransferInParts()
	printReceiverFrames()
	printSecondModeFrames()
}
