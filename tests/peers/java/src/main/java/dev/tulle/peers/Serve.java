package dev.tulle.peers;

import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** grpc-java over its shaded netty as a server of the contract; its first line says the port. */
public final class Serve {
  private Serve() {}

  public static void main(String[] arguments) throws Exception {
    int port = 0;
    long age = 0;
    long grace = 0;
    for (String argument : arguments) {
      String value = argument.substring(argument.indexOf('=') + 1);
      switch (argument.substring(0, argument.length() - value.length())) {
        case "--port=" -> port = Integer.parseInt(value);
        case "--max-connection-age-ms=" -> age = Long.parseLong(value);
        case "--max-connection-age-grace-ms=" -> grace = Long.parseLong(value);
        default -> throw new IllegalArgumentException(argument + " is no flag");
      }
    }
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port), InsecureServerCredentials.create());
    if (age > 0) {
      builder.maxConnectionAge(age, TimeUnit.MILLISECONDS);
    }
    if (grace > 0) {
      builder.maxConnectionAgeGrace(grace, TimeUnit.MILLISECONDS);
    }
    Server server = builder.addService(Methods.service(new Kept())).build().start();
    System.out.println("{\"port\": " + server.getPort() + "}");
    server.awaitTermination();
  }
}
