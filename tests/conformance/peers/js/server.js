// gRPC's interop service by @grpc/grpc-js: `node server.js PORT`, until it is ended.
"use strict";

const path = require("node:path");
// What is installed lives outside this folder: NODE_PATH names it.
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const ECHO_INITIAL = "x-grpc-test-echo-initial";
const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

const answer = (size) => ({ payload: { body: Buffer.alloc(size) } });
const sizes = (request) => (request.response_parameters || []).map((wanted) => answer(wanted.size));
const asked = (request) => (request.response_status?.code ? request.response_status : null);

function copied(call, name) {
  const metadata = new grpc.Metadata();
  for (const value of call.metadata.get(name)) metadata.add(name, value);
  return metadata;
}

// The status that a request asks for; grpc-js takes it as an error.
function failure({ code, message }, metadata) {
  return Object.assign(new Error(message), { code, details: message, metadata });
}

const service = {
  EmptyCall(call, reply) {
    reply(null, {});
  },
  UnaryCall(call, reply) {
    call.sendMetadata(copied(call, ECHO_INITIAL));
    const trailing = copied(call, ECHO_TRAILING);
    const status = asked(call.request);
    if (status) return reply(failure(status, trailing));
    return reply(null, answer(call.request.response_size), trailing);
  },
  StreamingInputCall(call, reply) {
    let size = 0;
    call.on("data", (request) => { size += request.payload.body.length; });
    call.on("end", () => reply(null, { aggregated_payload_size: size }));
  },
  StreamingOutputCall(call) {
    const status = asked(call.request);
    if (status) return call.emit("error", failure(status));
    sizes(call.request).forEach((message) => call.write(message));
    return call.end();
  },
  FullDuplexCall(call) {
    call.sendMetadata(copied(call, ECHO_INITIAL));
    const trailing = copied(call, ECHO_TRAILING);
    call.on("data", (request) => {
      const status = asked(request);
      if (status) call.emit("error", failure(status, trailing));
      else sizes(request).forEach((message) => call.write(message));
    });
    call.on("end", () => call.end(trailing));
  },
};

function main(port) {
  const definition = loader.loadSync(path.join(__dirname, "..", "interop.proto"), { keepCase: true, defaults: true });
  const server = new grpc.Server();
  server.addService(grpc.loadPackageDefinition(definition).grpc.testing.TestService.service, service);
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
  });
}

main(...process.argv.slice(2));
