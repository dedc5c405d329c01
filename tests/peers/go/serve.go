package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "tulle.dev/peers/contract"
)

type server struct {
	pb.UnimplementedPeersServer
	record *record
}

// serve answers until it is ended; its first line says the port.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	port := flags.Int("port", 0, "port, 0 for a free one")
	age := flags.Int("max-connection-age-ms", 0, "0 for none")
	grace := flags.Int("max-connection-age-grace-ms", 0, "0 for none")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var options []grpc.ServerOption
	if *age > 0 {
		limit := time.Duration(*age) * time.Millisecond
		given := keepalive.ServerParameters{MaxConnectionAge: limit, MaxConnectionAgeGrace: time.Duration(*grace) * time.Millisecond}
		options = append(options, grpc.KeepaliveParams(given))
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return err
	}
	serving := grpc.NewServer(options...)
	pb.RegisterPeersServer(serving, &server{record: &record{}})
	if err := say(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port}); err != nil {
		return err
	}
	return serving.Serve(listener)
}

func (s *server) Unary(ctx context.Context, ask *pb.Ask) (*pb.Answer, error) {
	execution := s.record.begin(ctx, ask.Key)
	defer func() { execution.end(ctx) }()
	if err := prepared(ctx, ask); err != nil {
		return nil, err
	}
	return answering(ask), ending(ask)
}

func (s *server) Again(ctx context.Context, ask *pb.Ask) (*pb.Answer, error) {
	return s.Unary(ctx, ask)
}

func (s *server) Down(ask *pb.Ask, call grpc.ServerStreamingServer[pb.Answer]) error {
	ctx := call.Context()
	execution := s.record.begin(ctx, ask.Key)
	defer func() { execution.end(ctx) }()
	if err := prepared(ctx, ask); err != nil {
		return err
	}
	for number := range ask.Count {
		if number > 0 {
			if err := pause(ctx, ask.IntervalMs); err != nil {
				return err
			}
		}
		if err := call.Send(answering(ask)); err != nil {
			return err
		}
	}
	return ending(ask)
}

func (s *server) Up(call grpc.ClientStreamingServer[pb.Ask, pb.Answer]) error {
	ctx := call.Context()
	var first *pb.Ask
	var execution *execution
	came := &pb.Answer{}
	for {
		ask, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if first == nil {
			first, execution = ask, s.record.begin(ctx, ask.Key)
			defer func() { execution.end(ctx) }()
			if err := prepared(ctx, ask); err != nil {
				return err
			}
		}
		came.ReceivedBytes += uint64(len(ask.Blob))
		came.ReceivedMessages++
	}
	if first != nil {
		if err := ending(first); err != nil {
			return err
		}
	}
	return call.SendAndClose(came)
}

func (s *server) Bidi(call grpc.BidiStreamingServer[pb.Ask, pb.Answer]) error {
	ctx := call.Context()
	var first *pb.Ask
	for {
		ask, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if first == nil {
			first = ask
			execution := s.record.begin(ctx, ask.Key)
			defer func() { execution.end(ctx) }()
			if err := prepared(ctx, ask); err != nil {
				return err
			}
		}
		if err := call.Send(answering(ask)); err != nil {
			return err
		}
	}
	if first == nil {
		return nil
	}
	return ending(first)
}

func (s *server) Executions(_ context.Context, asked *pb.Prefix) (*pb.Record, error) {
	return s.record.of(asked.Key), nil
}

// prepared sets metadata, sleeps, and asks further down.
func prepared(ctx context.Context, ask *pb.Ask) error {
	if err := grpc.SetTrailer(ctx, fields(ask.Trailers)); err != nil {
		return err
	}
	if len(ask.Head) > 0 {
		if err := grpc.SendHeader(ctx, fields(ask.Head)); err != nil {
			return err
		}
	}
	if ask.Raises {
		// A panic would end the whole server: what others' raised errors come to is UNKNOWN.
		return errors.New("the handler raised")
	}
	if err := pause(ctx, ask.SleepMs); err != nil {
		return err
	}
	return hop(ctx, ask)
}

func hop(ctx context.Context, ask *pb.Ask) error {
	if len(ask.Hops) == 0 {
		return nil
	}
	next := ask.Hops[0]
	via, err := dialled(next.Target, next.Authority)
	if err != nil {
		return err
	}
	defer via.Close()
	further := &pb.Ask{Key: ask.Key, Hops: ask.Hops[1:], FailCode: ask.FailCode, FailText: ask.FailText, Trailers: ask.Trailers}
	call := pb.NewPeersClient(via).Unary
	if strings.HasSuffix(method(ctx), "/Again") {
		call = pb.NewPeersClient(via).Again
	}
	_, err = call(ctx, further)
	return err
}

func method(ctx context.Context) string {
	name, _ := grpc.Method(ctx)
	return name
}

func pause(ctx context.Context, milliseconds uint32) error {
	if milliseconds == 0 {
		return nil
	}
	select {
	case <-time.After(time.Duration(milliseconds) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

func answering(ask *pb.Ask) *pb.Answer {
	blob := ask.Blob
	if ask.AnswerBytes > 0 {
		blob = make([]byte, ask.AnswerBytes)
	}
	return &pb.Answer{Blob: blob, ReceivedBytes: uint64(len(ask.Blob)), ReceivedMessages: 1}
}

func ending(ask *pb.Ask) error {
	if ask.FailCode == 0 {
		return nil
	}
	failed := status.New(codes.Code(ask.FailCode), ask.FailText)
	if ask.DetailsBytes == 0 {
		return failed.Err()
	}
	detail, err := anypb.New(wrapperspb.Bytes(make([]byte, ask.DetailsBytes)))
	if err != nil {
		return err
	}
	whole := failed.Proto()
	whole.Details = []*anypb.Any{detail}
	return status.ErrorProto(whole)
}

func fields(asked []*pb.Field) metadata.MD {
	made := metadata.MD{}
	for _, field := range asked {
		if field.Value != "" {
			made.Append(field.Name, field.Value)
		}
		for number := range field.Count {
			made.Append(fmt.Sprintf("%s-%d", field.Name, number), strings.Repeat("v", int(field.Bytes)))
		}
	}
	return made
}
