package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	pb "tulle.dev/peers/contract"
)

// one call to make: `ask` as JSON of the contract.
type wanted struct {
	Method   string            `json:"method"`
	Ask      json.RawMessage   `json:"ask"`
	Metadata []json.RawMessage `json:"metadata"`
}

// what it came to.
type outcome struct {
	Code     string              `json:"code"`
	Text     string              `json:"text"`
	Head     map[string][]string `json:"head"`
	Trailers map[string][]string `json:"trailers"`
	Details  int                 `json:"details"`
	Millis   int64               `json:"millis"`
}

// calls makes the calls that stdin names, one after the other, beside others that are held open on the same connection.
func calls(arguments []string) error {
	flags := flag.NewFlagSet("calls", flag.ExitOnError)
	target := flags.String("target", "", "host:port to call")
	authority := flags.String("authority", "", ":authority of the calls")
	beside := flags.Int("beside", 0, "streams that are open meanwhile")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var asked []wanted
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	via, err := dialled(*target, *authority)
	if err != nil {
		return err
	}
	defer via.Close()
	held := hold(pb.NewPeersClient(via), *beside)
	var came []outcome
	for _, one := range asked {
		seen, err := made(pb.NewPeersClient(via), one)
		if err != nil {
			return err
		}
		came = append(came, *seen)
	}
	return say(map[string]any{"outcomes": came, "beside": release(held)})
}

func made(client pb.PeersClient, one wanted) (*outcome, error) {
	ask := &pb.Ask{}
	if err := protojson.Unmarshal(one.Ask, ask); err != nil {
		return nil, err
	}
	sent := metadata.MD{}
	for _, raw := range one.Metadata {
		field := &pb.Field{}
		if err := protojson.Unmarshal(raw, field); err != nil {
			return nil, err
		}
		sent = metadata.Join(sent, fields([]*pb.Field{field}))
	}
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(context.Background(), sent), 30*time.Second)
	defer cancel()
	var head, trailers metadata.MD
	call := map[string]func(context.Context, *pb.Ask, ...grpc.CallOption) (*pb.Answer, error){
		"Unary": client.Unary, "Again": client.Again,
	}[one.Method]
	if call == nil {
		return nil, fmt.Errorf("no method %q", one.Method)
	}
	begun := time.Now()
	_, err := call(ctx, ask, grpc.Header(&head), grpc.Trailer(&trailers))
	ended := status.Convert(err)
	details := 0
	for _, detail := range ended.Proto().GetDetails() {
		details += len(detail.Value)
	}
	return &outcome{ended.Code().String(), ended.Message(), head, trailers, details, time.Since(begun).Milliseconds()}, nil
}

// held is a stream that has exchanged a message, so that it is in flight for sure.
type held struct {
	call grpc.BidiStreamingClient[pb.Ask, pb.Answer]
	err  error
}

func hold(client pb.PeersClient, count int) []*held {
	var all []*held
	for range count {
		call, err := client.Bidi(context.Background())
		one := &held{call, err}
		one.exchange()
		all = append(all, one)
	}
	return all
}

func (h *held) exchange() {
	if h.err == nil {
		h.err = h.call.Send(&pb.Ask{Blob: []byte("held")})
	}
	if h.err == nil {
		_, h.err = h.call.Recv()
	}
}

// release ends them, and counts by what they came to; "" is well.
func release(all []*held) map[string]int {
	came := map[string]int{}
	for _, one := range all {
		one.exchange()
		if one.err == nil {
			one.err = one.call.CloseSend()
		}
		if one.err == nil {
			if _, one.err = one.call.Recv(); one.err != nil && one.err.Error() == "EOF" {
				one.err = nil
			}
		}
		came[text(one.err)]++
	}
	return came
}

func text(err error) string {
	if err == nil {
		return ""
	}
	ended := status.Convert(err)
	return ended.Code().String() + ": " + ended.Message()
}
