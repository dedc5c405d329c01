/* The map: changes the graph in place on each frame; the layout comes with the shape and is never computed on a tick. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  const choices = { labels: [], find: null, hide: null, pick: "" };
  let drawnShape = null;
  let drawnOn = null;
  let drawnScheme = "";
  let moved = false;

  tulle.cy = function () {
    const holder = document.getElementById("graph");
    const cy = holder && holder._cyreg && holder._cyreg.cy;
    return cy && !cy.destroyed() ? cy : null;
  };

  const ms = (value) => (value >= 1000 ? (value / 1000).toPrecision(2) + " s" : value >= 10 ? value.toFixed(0) + " ms" : value.toPrecision(2) + " ms");
  const percent = (part, all) => { const value = all ? (100 * part) / all : 0; return (value >= 10 ? value.toFixed(0) : value > 0 ? value.toPrecision(2) : "0") + " %"; };
  const LABELS = {
    rate: (row) => row.rate.toPrecision(3).replace(/\.?0+$/, "") + "/s",
    faults: (row) => (row.calls ? percent(row.faults, row.calls) + " faults" : ""),
    p50: (row) => (row.p50 ? "p50 " + ms(row.p50) : ""),
    p95: (row) => (row.p95 ? "p95 " + ms(row.p95) : ""),
    p99: (row) => (row.p99 ? "p99 " + ms(row.p99) : ""),
    mtls: (row) => (row.kind === "edge" ? (row.mtls ? "mTLS" : "plaintext") : ""),
    split: (row) => row.split || "",
    retries: (row) => (row.retries ? row.retries + " retries" : ""),
  };

  tulle.label = function (row) {
    const parts = choices.labels.map((name) => LABELS[name](row)).filter(Boolean);
    if (row.breaker === "open" || row.breaker === "half-open") { parts.push("breaker " + row.breaker); }
    return parts.join("\n");
  };

  /* What the mirror and screen readers say of a row. */
  tulle.say = function (row) {
    const figures = row.calls ? `${LABELS.rate(row)}, ${LABELS.faults(row)}, ${LABELS.p99(row)}` : "no calls";
    const breaker = row.breaker && row.breaker !== "closed" && row.breaker !== "unknown" ? `, breaker ${row.breaker}` : "";
    return `${row.name}: ${row.health}, ${figures}${breaker}`;
  };

  /* Bends as cytoscape wants them: how far along the straight line, and how far beside it. */
  function bent(edge, places) {
    const from = places.get(edge.source), to = places.get(edge.target), dx = to.x - from.x, dy = to.y - from.y;
    const length = Math.hypot(dx, dy), pull = edge.bends.length === 1 ? 2 : 1; // a single control point is passed at half its distance
    return {
      along: edge.bends.map(([x, y]) => (((x - from.x) * dx + (y - from.y) * dy) / (length * length)).toFixed(3)).join(" "),
      beside: edge.bends.map(([x, y]) => ((pull * ((y - from.y) * dx - (x - from.x) * dy)) / length).toFixed(1)).join(" "),
    };
  }

  function elements(mesh) {
    const places = new Map(mesh.nodes.map((node) => [node.name, node]));
    const lanes = [...new Set(mesh.nodes.map((node) => node.namespace).filter(Boolean))];
    return lanes.map((name) => ({ group: "nodes", data: { id: "lane:" + name, label: name }, classes: "lane", selectable: false, grabbable: false }))
      .concat(mesh.nodes.map((node) => ({
        group: "nodes", data: { id: node.id, parent: node.namespace ? "lane:" + node.namespace : undefined, label: "", ring: "none" },
        position: { x: node.x, y: node.y }, classes: "service",
      })))
      .concat(mesh.edges.map((edge) => ({
        group: "edges", classes: edge.bends.length ? "bent" : "",
        data: Object.assign({ id: edge.id, source: edge.source, target: edge.target, width: 2, label: "", health: "unknown" }, edge.bends.length ? bent(edge, places) : {}),
      })));
  }

  function rebuild(cy, mesh) {
    const first = drawnOn !== cy, before = cy.nodes(".service").length;
    cy.batch(() => { cy.elements().remove(); cy.add(elements(mesh)); });
    drawnShape = mesh.shape;
    if (first) { prepare(cy); }
    drawnOn = cy;
    if (first || before !== mesh.nodes.length) { tulle.fit(); }
  }

  function prepare(cy) {
    cy.on("tap", (event) => { if (event.target === cy) { tulle.pick(""); } });
    cy.on("tap", "node.service, edge", (event) => tulle.pick(event.target.id()));
    cy.autoungrabify(true);
    moved = false;
    cy.on("dragpan scrollzoom pinchzoom", () => { moved = true; });
    // The panel takes its room from the map: what was in sight stays in sight, unless the reader chose the view.
    const sizes = new ResizeObserver(() => { cy.resize(); if (!moved) { center(cy); } });
    sizes.observe(cy.container());
    cy.on("destroy", () => sizes.disconnect());
  }

  function paint(cy, mesh) {
    const scheme = document.documentElement.dataset.mantineColorScheme || "light";
    if (scheme !== drawnScheme || drawnOn.scratch("styled") !== scheme) {
      cy.style().fromJson(tulle.graphStyle()).update();
      cy.scratch("styled", scheme);
      drawnScheme = scheme;
    }
    cy.batch(() => {
      mesh.nodes.forEach((row) => mark(cy.getElementById(row.id), row, { label: row.name.split("/").pop(), ring: tulle.ring(row) }));
      mesh.edges.forEach((row) => mark(cy.getElementById(row.id), row, { label: tulle.label(row), width: tulle.edgeWidth(row), health: row.health }));
    });
  }

  function mark(element, row, data) {
    // Telling the graph only what changed keeps a frame of a large mesh within milliseconds.
    Object.entries(data).forEach(([key, value]) => { if (element.data(key) !== value) { element.data(key, value); } });
    const found = choices.find ? choices.find(row) : false;
    const wanted = { found, dim: Boolean(choices.find) && !found, gone: choices.hide ? choices.hide(row) : false, picked: row.id === choices.pick };
    Object.entries(wanted).forEach(([name, on]) => { if (element.hasClass(name) !== on) { element.toggleClass(name, on); } });
  }

  tulle.draw = function () {
    const cy = tulle.cy(), mesh = tulle.mesh;
    if (!cy || !mesh.shape) { return; }
    if (drawnShape !== mesh.shape || drawnOn !== cy) { rebuild(cy, mesh); }
    paint(cy, mesh);
    tulle.mirror(mesh, choices.pick);
  };

  function center(cy) {
    cy.fit(undefined, 24);
    if (cy.zoom() > 1.25) { cy.zoom(1.25); cy.center(); }
  }

  tulle.fit = function () {
    const cy = tulle.cy();
    if (cy) { moved = false; center(cy); }
  };

  tulle.pick = function (id) {
    choices.pick = id;
    tulle.draw();
    window.dash_clientside.set_props("pick", { data: id });
    tulle.inUrl({ pick: id });
  };

  tulle.picked = () => choices.pick;

  tulle.exportPng = function () {
    const cy = tulle.cy();
    if (!cy) { return; }
    const picture = cy.png({ output: "blob", full: true, scale: 2, bg: tulle.colours().surface });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(picture);
    link.download = "topology.png";
    link.click();
    URL.revokeObjectURL(link.href);
  };

  function predicate(text, notes) {
    try { return tulle.find(text); } catch (error) { notes.push(error.message); return null; }
  }

  /* Clientside callback of the page's controls; gives the note under the boxes. */
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.tulle = window.dash_clientside.tulle || {};
  window.dash_clientside.tulle.map = function (labels, find, hide, pick) {
    const notes = [];
    Object.assign(choices, { labels: labels || [], pick: pick || "", find: predicate(find, notes), hide: predicate(hide, notes) });
    tulle.inUrl({ labels: choices.labels.join(","), find: find || "", hide: hide || "", pick: choices.pick }, { labels: "rate,faults,split" });
    tulle.draw();
    return notes.join(" ");
  };

  tulle.listeners.push(tulle.draw);
})(window.tulle);
