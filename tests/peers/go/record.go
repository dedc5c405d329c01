package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "tulle.dev/peers/contract"
)

// record keeps every execution that has a key.
type record struct {
	lock sync.Mutex
	kept []*pb.Execution
}

type execution struct {
	of   *record
	kept *pb.Execution
}

func (r *record) begin(ctx context.Context, key string) *execution {
	if key == "" {
		return &execution{}
	}
	one := &pb.Execution{Key: key, DeadlineMs: -1}
	if deadline, is := ctx.Deadline(); is {
		one.DeadlineMs = time.Until(deadline).Milliseconds()
	}
	if came, _ := metadata.FromIncomingContext(ctx); came != nil {
		one.PreviousAttempts = strings.Join(came.Get("grpc-previous-rpc-attempts"), ",")
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.kept = append(r.kept, one)
	return &execution{of: r, kept: one}
}

func (e *execution) end(ctx context.Context) {
	if e.kept == nil {
		return
	}
	ended := time.Now().UnixNano()
	e.of.lock.Lock()
	defer e.of.lock.Unlock()
	e.kept.EndedNs, e.kept.Ending = ended, pb.Ending_ENDED
	if ctx.Err() != nil {
		e.kept.Ending = pb.Ending_CANCELLED
	}
}

func (r *record) of(prefix string) *pb.Record {
	r.lock.Lock()
	defer r.lock.Unlock()
	found := &pb.Record{}
	for _, one := range r.kept {
		if strings.HasPrefix(one.Key, prefix) {
			found.Executions = append(found.Executions, proto.Clone(one).(*pb.Execution))
		}
	}
	return found
}
