/* The map's twin for keyboard and screen reader: a button a node and edge from the same rows, and walking by arrows. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  let told = new Map();

  function list(holder, title, rows, picked) {
    let part = holder.querySelector(`[data-part="${title}"]`);
    if (!part) {
      part = document.createElement("div");
      part.dataset.part = title;
      part.append(Object.assign(document.createElement("h2"), { textContent: title }), document.createElement("ul"));
      holder.append(part);
    }
    const items = part.querySelector("ul"), left = new Map([...items.children].map((item) => [item.dataset.id, item]));
    rows.forEach((row) => {
      const item = left.get(row.id) || made(row.id);
      left.delete(row.id);
      const button = item.firstChild, text = tulle.say(row), pressed = String(row.id === picked);
      if (button.textContent !== text) { button.textContent = text; }
      if (button.getAttribute("aria-pressed") !== pressed) { button.setAttribute("aria-pressed", pressed); }
      if (!item.parentNode) { items.append(item); }
    });
    left.forEach((item) => item.remove());
  }

  function made(id) {
    const item = document.createElement("li"), button = document.createElement("button");
    item.dataset.id = id;
    button.type = "button";
    button.addEventListener("click", () => tulle.pick(id));
    item.append(button);
    return item;
  }

  function news(mesh) {
    const now = new Map(mesh.nodes.map((node) => [node.name, node.health]));
    const said = [...now].filter(([name, health]) => told.has(name) && told.get(name) !== health).map(([name, health]) => `${name} is now ${health}`);
    told = now;
    const place = document.getElementById("map-news");
    if (place && said.length) { place.textContent = said.join(", "); }
  }

  tulle.mirror = function (mesh, picked) {
    const holder = document.getElementById("mirror");
    if (!holder) { return; }
    list(holder, "Services", mesh.nodes, picked);
    list(holder, "Calls", mesh.edges, picked);
    news(mesh);
  };

  const busiest = (edges) => edges.slice().sort((a, b) => b.rate - a.rate)[0];

  /* The id that an arrow leads to: right to the busiest callee, left to the busiest caller, up and down in the column. */
  tulle.walk = function (mesh, picked, key) {
    const edge = mesh.edges.find((one) => one.id === picked), node = mesh.nodes.find((one) => one.id === picked);
    if (edge) { return { ArrowRight: edge.target, ArrowLeft: edge.source }[key] || picked; }
    if (!node) { return mesh.nodes.length ? mesh.nodes.slice().sort((a, b) => a.x - b.x || a.y - b.y)[0].id : ""; }
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const [mine, other] = key === "ArrowRight" ? ["source", "target"] : ["target", "source"];
      const next = busiest(mesh.edges.filter((one) => one[mine] === node.name));
      return next ? next[other] : picked;
    }
    const column = mesh.nodes.filter((one) => one.x === node.x).sort((a, b) => a.y - b.y);
    const at = column.indexOf(node) + (key === "ArrowDown" ? 1 : -1);
    return (column[at] || node).id;
  };

  document.addEventListener("keydown", (event) => {
    const map = document.getElementById("map");
    if (!map || !map.contains(event.target) || !event.key.startsWith("Arrow")) { return; }
    event.preventDefault();
    tulle.pick(tulle.walk(tulle.mesh, tulle.picked(), event.key));
    const button = document.querySelector(`#mirror li[data-id="${CSS.escape(tulle.picked())}"] button`);
    if (button && event.target !== document.getElementById("map-canvas")) { button.focus(); }
  });
})(window.tulle);
