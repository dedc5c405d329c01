// The contract as grpc-js has it; PEERS_PROTO is the path of peers.proto.
"use strict";

const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

function load() {
  const options = { keepCase: true, defaults: true, enums: String, longs: String };
  return grpc.loadPackageDefinition(loader.loadSync(process.env.PEERS_PROTO, options)).tulle.peers.v1.Peers;
}

function metadata(fields) {
  const made = new grpc.Metadata();
  for (const { name, value, count, bytes } of fields) {
    if (value) made.add(name, value);
    for (let number = 0; number < count; number += 1) made.add(`${name}-${number}`, "v".repeat(bytes));
  }
  return made;
}

module.exports = { load, metadata };
