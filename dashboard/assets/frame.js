/* The newest frame and shape, decoded: rows of dashboard/frames.py as objects. Everything else in assets/ reads these. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  const NODE = ["health", "rate", "calls", "faults", "clientErrors", "p50", "p95", "p99", "why", "instances"];
  const EDGE = NODE.slice(0, 9).concat(["mtls", "breaker", "retries", "split"]);
  const SLOW_MS = 5000;
  const BEAT_MS = 900;

  tulle.mesh = { shape: null, link: null, nodes: [], edges: [], at: 0 };
  tulle.listeners = [];
  let number = null;
  let beatAt = 0;

  function named(columns, row) {
    const out = {};
    columns.forEach((column, at) => { out[column] = row[at]; });
    return out;
  }

  tulle.decode = function (shape, frame) {
    const nodes = shape.nodes.map(([name, namespace, x, y], at) =>
      Object.assign(named(NODE, frame.n[at]), { kind: "node", id: name, name, namespace, x, y }));
    const edges = shape.edges.map(([from, to, bends], at) =>
      Object.assign(named(EDGE, frame.e[at]), {
        kind: "edge", bends, source: nodes[from].name, target: nodes[to].name,
        id: nodes[from].name + ">" + nodes[to].name, name: nodes[from].name + " → " + nodes[to].name,
      }));
    nodes.forEach((node) => { node.traffic = node.calls > 0; });
    edges.forEach((edge) => {
      edge.traffic = edge.calls > 0;
      if (edge.traffic) { nodes.find((node) => node.name === edge.source).traffic = true; }
    });
    return { nodes, edges };
  };

  /* Clientside callback of the store "frame": tells the ticks that Python's callbacks follow. */
  tulle.onFrame = function (frame, shape) {
    const keep = window.dash_clientside.no_update;
    if (!frame || !shape) { return [keep, keep]; }
    // A frame of a new shape may overtake the shape by one callback: the next frame brings both together.
    if (frame.v !== shape.v) { return [keep, keep]; }
    Object.assign(tulle.mesh, tulle.decode(shape, frame), { shape, link: frame.link, at: Date.now() });
    tulle.listeners.forEach((listener) => listener(tulle.mesh));
    if (frame.number === number || Date.now() - beatAt < BEAT_MS) { return [keep, keep]; }
    number = frame.number;
    beatAt = Date.now();
    return [number, Math.floor(beatAt / SLOW_MS)];
  };

  window.dash_clientside = window.dash_clientside || {};
  const tullesOwn = window.dash_clientside.tulle = window.dash_clientside.tulle || {};
  tullesOwn.frame = (frame, shape) => tulle.onFrame(frame, shape);
})(window.tulle);
