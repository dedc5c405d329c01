package dev.tulle.peers;

import com.google.protobuf.ByteString;
import dev.tulle.peers.contract.Answer;
import dev.tulle.peers.contract.Ask;
import dev.tulle.peers.contract.Ending;
import dev.tulle.peers.contract.Field;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.Executor;

/** One call. What waits does so on a thread of its own, so that a cancel is heard meanwhile. */
final class Conversation extends ServerCall.Listener<Ask> {
  private final ServerCall<Ask, Answer> call;
  private final Metadata headers;
  private final Kept kept;
  private final Executor threads;
  private final MethodType type;
  private final Object turn = new Object();
  private Ask first = Ask.getDefaultInstance();
  private Kept.Running running = ending -> {};
  private long messages;
  private long bytes;
  private boolean isHeadSent;
  private boolean isCancelled;

  private Conversation(ServerCall<Ask, Answer> call, Metadata headers, Kept kept, Executor threads, MethodType type) {
    this.call = call;
    this.headers = headers;
    this.kept = kept;
    this.threads = threads;
    this.type = type;
  }

  static ServerCallHandler<Ask, Answer> handler(Kept kept, Executor threads, MethodType type) {
    return (call, headers) -> {
      call.request(2);
      return new Conversation(call, headers, kept, threads, type);
    };
  }

  @Override
  public void onMessage(Ask ask) {
    if (messages == 0) {
      first = ask;
      running = kept.begin(ask.getKey(), headers);
    }
    messages++;
    bytes += ask.getBlob().size();
    if (type == MethodType.BIDI_STREAMING) {
      send(answer(ask));
    }
    call.request(1);
  }

  @Override
  public void onHalfClose() {
    if (first.getRaises()) {
      running.end(Ending.ENDED);
      throw new IllegalStateException("the handler raised");
    }
    threads.execute(this::work);
  }

  @Override
  public void onReady() {
    synchronized (turn) {
      turn.notifyAll();
    }
  }

  @Override
  public void onCancel() {
    running.end(Ending.CANCELLED);
    synchronized (turn) {
      isCancelled = true;
      turn.notifyAll();
    }
  }

  private void work() {
    try {
      pause(first.getSleepMs());
      if (type == MethodType.SERVER_STREAMING) {
        for (int number = 0; number < first.getCount() && !isCancelled(); number++) {
          pause(number > 0 ? first.getIntervalMs() : 0);
          send(answer(first));
        }
      }
      end();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void end() throws InterruptedException {
    if (isCancelled()) {
      return;
    }
    running.end(Ending.ENDED);
    Status status = Status.fromCodeValue(first.getFailCode());
    if (!status.isOk()) {
      call.close(status.withDescription(first.getFailText()), trailers());
      return;
    }
    if (type == MethodType.UNARY || type == MethodType.CLIENT_STREAMING) {
      send(answer(first));
    }
    call.close(Status.OK, trailers());
  }

  private Metadata trailers() {
    Metadata trailers = fields(first.getTrailersList());
    if (first.getDetailsBytes() > 0) {
      Metadata.Key<byte[]> key = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
      trailers.put(key, new byte[first.getDetailsBytes()]);
    }
    return trailers;
  }

  private void send(Answer answer) {
    if (!isHeadSent) {
      isHeadSent = true;
      call.sendHeaders(fields(first.getHeadList()));
    }
    synchronized (turn) {
      while (type == MethodType.SERVER_STREAMING && !call.isReady() && !isCancelled) {
        try {
          turn.wait(100);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          return;
        }
      }
      if (isCancelled) {
        return;
      }
    }
    call.sendMessage(answer);
  }

  private void pause(long milliseconds) throws InterruptedException {
    long until = System.nanoTime() + milliseconds * 1_000_000;
    synchronized (turn) {
      for (long left = milliseconds; left > 0 && !isCancelled; left = (until - System.nanoTime()) / 1_000_000) {
        turn.wait(left);
      }
    }
  }

  private boolean isCancelled() {
    synchronized (turn) {
      return isCancelled;
    }
  }

  private Answer answer(Ask ask) {
    ByteString blob = ask.getAnswerBytes() > 0 ? ByteString.copyFrom(new byte[ask.getAnswerBytes()]) : ask.getBlob();
    if (type == MethodType.CLIENT_STREAMING) {
      blob = ByteString.EMPTY;
    }
    return Answer.newBuilder().setBlob(blob).setReceivedBytes(bytes).setReceivedMessages(messages).build();
  }

  private static Metadata fields(List<Field> asked) {
    Metadata made = new Metadata();
    for (Field field : asked) {
      if (!field.getValue().isEmpty()) {
        made.put(Metadata.Key.of(field.getName(), Metadata.ASCII_STRING_MARSHALLER), field.getValue());
      }
      for (int number = 0; number < field.getCount(); number++) {
        String name = field.getName() + "-" + number;
        made.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), "v".repeat(field.getBytes()));
      }
    }
    return made;
  }
}
