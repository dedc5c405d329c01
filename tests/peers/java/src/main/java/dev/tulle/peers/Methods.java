package dev.tulle.peers;

import com.google.protobuf.Message;
import dev.tulle.peers.contract.Answer;
import dev.tulle.peers.contract.Ask;
import dev.tulle.peers.contract.Prefix;
import dev.tulle.peers.contract.Record;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The service by its descriptors, which a plugin of protoc would write otherwise. */
final class Methods {
  private static final String SERVICE = "tulle.peers.v1.Peers";

  private Methods() {}

  static ServerServiceDefinition service(Kept kept) {
    ExecutorService threads = Executors.newCachedThreadPool();
    ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(SERVICE);
    for (String name : new String[] {"Unary", "Again"}) {
      service.addMethod(asked(name, MethodType.UNARY), Conversation.handler(kept, threads, MethodType.UNARY));
    }
    service.addMethod(asked("Down", MethodType.SERVER_STREAMING), Conversation.handler(kept, threads, MethodType.SERVER_STREAMING));
    service.addMethod(asked("Up", MethodType.CLIENT_STREAMING), Conversation.handler(kept, threads, MethodType.CLIENT_STREAMING));
    service.addMethod(asked("Bidi", MethodType.BIDI_STREAMING), Conversation.handler(kept, threads, MethodType.BIDI_STREAMING));
    MethodDescriptor<Prefix, Record> executions =
        method("Executions", MethodType.UNARY, Prefix.getDefaultInstance(), Record.getDefaultInstance());
    service.addMethod(
        executions,
        ServerCalls.asyncUnaryCall(
            (prefix, answers) -> {
              answers.onNext(kept.of(prefix.getKey()));
              answers.onCompleted();
            }));
    return service.build();
  }

  private static MethodDescriptor<Ask, Answer> asked(String name, MethodType type) {
    return method(name, type, Ask.getDefaultInstance(), Answer.getDefaultInstance());
  }

  private static <A extends Message, B extends Message> MethodDescriptor<A, B> method(
      String name, MethodType type, A request, B response) {
    return MethodDescriptor.<A, B>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }
}
