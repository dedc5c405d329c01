// grpc-go as the second stack: `streams serve` echoes every message of every method, `streams call` makes the calls.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

const (
	method     = "/streams.v1.Streams/Bidi"
	health     = "/grpc.health."
	maxMessage = 128 << 20
	stream     = 10_000
	calls      = 5_000
	patience   = 60 * time.Second
)

// raw hands messages on as bytes: a test compares every one of them.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var codec encoding.CodecV2 = raw{}

func main() {
	flags := flag.NewFlagSet("streams", flag.ExitOnError)
	target := flags.String("target", "", "host:port to call")
	authority := flags.String("authority", "", ":authority of the calls")
	limit := flags.Uint("limit", 100, "streams that the server takes on a connection")
	if len(os.Args) < 2 || flags.Parse(os.Args[2:]) != nil {
		fmt.Fprintln(os.Stderr, "usage: streams serve|call [flags]")
		os.Exit(2)
	}
	if os.Args[1] == "serve" {
		fail(serve(uint32(*limit)))
		return
	}
	fail(call(*target, *authority))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(1)
	}
}

// serve answers each message with itself until it is ended.
func serve(limit uint32) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(codec),
		grpc.UnknownServiceHandler(echo),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(limit),
	)
	fmt.Printf("ready %d\n", listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

func echo(_ any, call grpc.ServerStream) error {
	if name, _ := grpc.MethodFromServerStream(call); strings.HasPrefix(name, health) {
		return status.Error(codes.Unimplemented, "an echo is no answer to a question for health")
	}
	for {
		var message []byte
		if err := call.RecvMsg(&message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := call.SendMsg(&message); err != nil {
			return err
		}
	}
}

// call runs every case and prints what each came to: "" or what was wrong.
func call(target, authority string) error {
	via, err := grpc.NewClient(
		"passthrough:///"+target,
		grpc.WithAuthority(authority),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(codec), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage),
		),
		grpc.WithNoProxy(),
	)
	if err != nil {
		return err
	}
	defer via.Close()
	came := map[string]string{}
	for name, size := range map[string]int{"0 B": 0, "1 B": 1, "16 KiB": 16 << 10, "4 MiB": 4 << 20, "100 MB": 100_000_000} {
		came[name] = text(back(via, patterned(size)))
	}
	came["a stream of 10,000"] = text(ordered(via))
	came["5,000 at once"] = text(crowd(via))
	return json.NewEncoder(os.Stdout).Encode(came)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func patterned(size int) []byte {
	message := make([]byte, size)
	for at := range message {
		message[at] = byte(at % 251)
	}
	return message
}

func begin(ctx context.Context, via *grpc.ClientConn) (grpc.ClientStream, error) {
	return via.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
}

// back sends one message and compares what comes back, by digest.
func back(via *grpc.ClientConn, message []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	call, err := begin(ctx, via)
	if err != nil {
		return err
	}
	if err := call.SendMsg(&message); err != nil {
		return err
	}
	if err := call.CloseSend(); err != nil {
		return err
	}
	var answer []byte
	if err := call.RecvMsg(&answer); err != nil {
		return err
	}
	if sha256.Sum256(answer) != sha256.Sum256(message) {
		return fmt.Errorf("%d bytes came back, and not those that were sent", len(answer))
	}
	if err := call.RecvMsg(&answer); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the message came %v", err)
	}
	return nil
}

// ordered sends one-byte messages while it reads them back.
func ordered(via *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	call, err := begin(ctx, via)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		for number := range stream {
			message := []byte{byte(number % 251)}
			if err := call.SendMsg(&message); err != nil {
				sent <- err
				return
			}
		}
		sent <- call.CloseSend()
	}()
	for number := range stream {
		var message []byte
		if err := call.RecvMsg(&message); err != nil {
			return err
		}
		if len(message) != 1 || message[0] != byte(number%251) {
			return fmt.Errorf("message %d is %v", number, message)
		}
	}
	return <-sent
}

// crowd begins all calls at once; grpc-go itself waits for a free stream.
func crowd(via *grpc.ClientConn) error {
	var waiting sync.WaitGroup
	var failed atomic.Int64
	first := make(chan error, calls)
	for number := range calls {
		waiting.Go(func() {
			if err := back(via, patterned(number%1000)); err != nil {
				failed.Add(1)
				first <- err
			}
		})
	}
	waiting.Wait()
	if failed.Load() > 0 {
		return fmt.Errorf("%d calls failed, one by: %w", failed.Load(), <-first)
	}
	return nil
}
