/* Keyboard and header buttons: palette, shortcuts' sheet, pages by `g` and a letter. */
window.tulle = window.tulle || {};
(function (tulle) {
  "use strict";
  const PAGES = { o: ["Overview", "/"], t: ["Topology", "/topology"], s: ["Services", "/service"] };
  const SHEET = [
    ["/ or Ctrl+K", "find a service or page"], ["g then o, t, s", "go to Overview, Topology, Services"],
    ["l", "pause or resume live data"], ["f", "fit the map"], ["arrows", "walk the map: callers left, callees right"],
    ["Esc", "close, or drop the selection"], ["?", "this sheet"],
  ];
  let afterG = 0;

  function dialog(id, label) {
    let box = document.getElementById(id);
    if (box) { return box; }
    box = Object.assign(document.createElement("dialog"), { id });
    box.setAttribute("aria-label", label);
    box.addEventListener("click", (event) => { if (event.target === box) { box.close(); } });
    document.body.append(box);
    return box;
  }

  tulle.openSheet = function () {
    const box = dialog("sheet", "Keyboard shortcuts");
    if (!box.firstChild) {
      const rows = SHEET.map(([key, what]) => { const row = document.createElement("div"); row.append(Object.assign(document.createElement("kbd"), { textContent: key }), what); return row; });
      const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", className: "plain" });
      close.addEventListener("click", () => box.close());
      box.append(Object.assign(document.createElement("h2"), { textContent: "Keyboard shortcuts" }), ...rows, close);
    }
    box.showModal();
  };

  function entries(text) {
    const wanted = text.trim().toLowerCase();
    const services = tulle.mesh.nodes.filter((node) => node.namespace).map((node) => [node.name, "/service/" + node.name]);
    return Object.values(PAGES).concat(services).filter(([name]) => name.toLowerCase().includes(wanted));
  }

  function palette() {
    const box = dialog("palette", "Find a service or page");
    if (box.firstChild) { return box; }
    const input = Object.assign(document.createElement("input"), { type: "text", placeholder: "Service or page", autocomplete: "off" });
    const options = Object.assign(document.createElement("ul"), { id: "palette-options" });
    Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": "palette-options", "aria-label": "Service or page" }).forEach(([k, v]) => input.setAttribute(k, v));
    options.setAttribute("role", "listbox");
    options.setAttribute("aria-label", "Matches");
    let at = 0;
    const fill = () => {
      const found = entries(input.value);
      at = Math.max(0, Math.min(at, found.length - 1));
      options.replaceChildren(...found.map(([name, path], index) => {
        const item = Object.assign(document.createElement("li"), { textContent: name, id: "palette-" + index });
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(index === at));
        item.addEventListener("click", () => { box.close(); tulle.go(path); });
        return item;
      }));
      input.setAttribute("aria-activedescendant", found.length ? "palette-" + at : "");
      const chosen = options.children[at];
      if (chosen) { chosen.scrollIntoView({ block: "nearest" }); }
    };
    input.addEventListener("input", () => { at = 0; fill(); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { at += event.key === "ArrowDown" ? 1 : -1; event.preventDefault(); fill(); }
      if (event.key === "Enter" && options.children[at]) { event.preventDefault(); options.children[at].click(); }
    });
    box.append(input, options);
    box.refill = () => { input.value = ""; at = 0; fill(); };
    return box;
  }

  tulle.openPalette = function () { const box = palette(); box.refill(); if (!box.open) { box.showModal(); } };

  const BUTTONS = {
    "open-palette": () => tulle.openPalette(), "open-sheet": () => tulle.openSheet(), "live": () => tulle.togglePause(),
    "copy-link": (button) => tulle.copyLink(button), "fit": () => tulle.fit(), "export-png": () => tulle.exportPng(),
    "detail-close": () => tulle.pick(""),
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button");
    if (button && BUTTONS[button.id]) { BUTTONS[button.id](button); }
  });

  const LETTERS = {
    "/": () => tulle.openPalette(), "?": () => tulle.openSheet(), "l": () => tulle.togglePause(), "f": () => tulle.fit(),
    "g": () => { afterG = Date.now(); }, "Escape": () => { if (tulle.picked()) { tulle.pick(""); } },
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); tulle.openPalette(); return; }
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable], dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (Date.now() - afterG < 1500 && PAGES[event.key]) { afterG = 0; event.preventDefault(); tulle.go(PAGES[event.key][1]); return; }
    if (LETTERS[event.key]) { if (event.key !== "Escape") { event.preventDefault(); } LETTERS[event.key](); }
  });
})(window.tulle);
