/* How the map looks: colours of both themes, the ring of a node as SVG, the stylesheet of the graph. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  const THEMES = {
    light: { healthy: "#00795B", degraded: "#A86200", failing: "#B8341B", idle: "#6B7280", unknown: "#6B7280",
             client: "#5B3FD6", text: "#1b1f27", surface: "#ffffff", lane: "#f3f5f7", laneLine: "#c9ced6", pick: "#1456c4" },
    dark: { healthy: "#2BC79A", degraded: "#F0A83A", failing: "#FF7A5C", idle: "#9AA3AF", unknown: "#9AA3AF",
            client: "#B3A1FF", text: "#e6e8ec", surface: "#1f2228", lane: "#1a1d22", laneLine: "#3c434e", pick: "#7fb0ff" },
  };
  const SIGNS = { healthy: "✓", degraded: "!", failing: "×", idle: "", unknown: "?" };
  const DASHES = { healthy: "", degraded: "7 4", failing: "", idle: "2 4", unknown: "2 4" };
  const STEPS = 36; // arcs are drawn in steps of 10°, so that a picture is made only when something is to be seen
  const pictures = new Map();

  tulle.colours = () => THEMES[document.documentElement.dataset.mantineColorScheme] || THEMES.light;

  function arcs(node) {
    if (!node.calls) { return [0, 0]; }
    const step = (part) => (part ? Math.max(1, Math.round((STEPS * part) / node.calls)) : 0);
    return [step(node.faults), step(node.clientErrors)];
  }

  function arc(from, to, colour) {
    if (to <= from) { return ""; }
    if (to - from >= STEPS) { return `<circle cx="40" cy="40" r="34" fill="none" stroke="${colour}" stroke-width="7"/>`; }
    const at = (step) => { const a = (2 * Math.PI * step) / STEPS - Math.PI / 2; return `${(40 + 34 * Math.cos(a)).toFixed(2)} ${(40 + 34 * Math.sin(a)).toFixed(2)}`; };
    return `<path d="M ${at(from)} A 34 34 0 ${to - from > STEPS / 2 ? 1 : 0} 1 ${at(to)}" fill="none" stroke="${colour}" stroke-width="7"/>`;
  }

  /* A data URL: ring arcs for ok, fault and client error; inside, the health's outline and sign. */
  tulle.ring = function (node) {
    const colours = tulle.colours(), [faults, clients] = arcs(node);
    const key = [node.health, faults, clients, node.calls > 0, colours.surface].join();
    if (!pictures.has(key)) {
      const ring = node.calls > 0
        ? arc(0, STEPS - faults - clients, colours.healthy) + arc(STEPS - faults - clients, STEPS - clients, colours.failing) + arc(STEPS - clients, STEPS, colours.client)
        : `<circle cx="40" cy="40" r="34" fill="none" stroke="${colours.idle}" stroke-width="3" stroke-dasharray="2 5"/>`;
      const thick = node.health === "failing" ? 5 : 2.5;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80" viewBox="0 0 80 80">`
        + `<circle cx="40" cy="40" r="37" fill="${colours.surface}"/>${ring}`
        + `<circle cx="40" cy="40" r="24" fill="none" stroke="${colours[node.health]}" stroke-width="${thick}" stroke-dasharray="${DASHES[node.health]}"/>`
        + `<text x="40" y="49" text-anchor="middle" font-family="sans-serif" font-weight="bold" font-size="26" fill="${colours[node.health]}">${SIGNS[node.health]}</text></svg>`;
      pictures.set(key, "data:image/svg+xml;utf8," + encodeURIComponent(svg));
    }
    return pictures.get(key);
  };

  tulle.edgeWidth = (edge) => Math.min(9, 1.5 + 2 * Math.log10(1 + edge.rate)) + (edge.health === "failing" ? 2 : 0);

  tulle.graphStyle = function () {
    const colours = tulle.colours();
    const edge = (health, style) => ({ selector: `edge[health="${health}"]`, style: { "line-color": colours[health], "target-arrow-color": colours[health], "line-style": style } });
    return [
      { selector: "node", style: { "font-family": "system-ui, sans-serif", "font-size": 16, color: colours.text, "text-wrap": "wrap" } },
      { selector: "node.service", style: {
        width: 64, height: 64, "background-opacity": 0, "background-image": "data(ring)", "background-fit": "cover",
        "background-image-crossorigin": "null", "background-clip": "none", label: "data(label)", "text-valign": "bottom", "text-margin-y": 6,
        "text-background-color": colours.lane, "text-background-opacity": 0.85, "text-background-padding": 2 } },
      { selector: "node.lane", style: {
        shape: "round-rectangle", "background-color": colours.lane, "background-opacity": 1, "border-color": colours.laneLine, "border-width": 1,
        label: "data(label)", "text-valign": "top", "text-halign": "center", "font-size": 14, padding: 34, events: "no" } },
      { selector: "edge", style: {
        width: "data(width)", "curve-style": "bezier", "control-point-step-size": 90, "min-zoomed-font-size": 6, "target-arrow-shape": "triangle", "arrow-scale": 1.1, label: "data(label)",
        "font-family": "system-ui, sans-serif", "font-size": 14, color: colours.text, "text-wrap": "wrap", "line-height": 1.2,
        "text-background-color": colours.surface, "text-background-opacity": 0.9, "text-background-padding": 3, "text-background-shape": "roundrectangle" } },
      { selector: "edge.bent", style: { "curve-style": "unbundled-bezier", "control-point-weights": "data(along)", "control-point-distances": "data(beside)" } },
      edge("healthy", "solid"), edge("degraded", "dashed"), edge("failing", "solid"), edge("idle", "dotted"), edge("unknown", "dotted"),
      { selector: ".dim", style: { opacity: 0.2 } },
      { selector: ".gone", style: { display: "none" } },
      { selector: ".found", style: { "underlay-color": colours.pick, "underlay-opacity": 0.25, "underlay-padding": 10 } },
      { selector: ".picked", style: { "underlay-color": colours.pick, "underlay-opacity": 0.4, "underlay-padding": 8 } },
      { selector: ":active", style: { "overlay-opacity": 0.08 } },
    ];
  };
})(window.tulle);
