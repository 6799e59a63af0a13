"use strict";
// Downloads, search, "my province", and blocks that open when they are asked for. Everything else works without it.
(() => {
  const $ = (id) => document.getElementById(id);
  const save = (name, content, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  let files = null;
  const opened = () => {
    if (!files) {
      const bytes = Uint8Array.from(atob($("files").textContent.trim()), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      files = new Response(stream).json();
    }
    return files;
  };
  const wrapped = (text, columns) => {
    const lines = [""];
    let used = 0;
    for (const word of text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+/g) || []) {
      const wide = [...word].reduce((sum, c) => sum + (c > "\u2e80" ? 2 : 1), 0);
      if (used + wide > columns && used) { lines.push(""); used = 0; }
      lines[lines.length - 1] += word;
      used += wide;
    }
    return lines;
  };
  const picture = (figure) => {
    const svg = figure.querySelector("svg").cloneNode(true);
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const say = (selector, size, weight) =>
      wrapped(figure.querySelector(selector).textContent, width / (0.56 * size)).map((text) => [text, size, weight]);
    const lines = [...say("h3", 11, 700), ...say("figcaption p", 9, 400)];
    const top = 14 * lines.length + 8;
    const make = (name, attributes, text) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      if (text) node.textContent = text;
      return node;
    };
    svg.setAttribute("viewBox", `0 ${-top} ${width} ${height + top}`);
    svg.setAttribute("width", 2 * width);
    svg.setAttribute("height", 2 * (height + top));
    const words = lines.map(([text, size, weight], row) =>
      make("text", { x: 8, y: 14 * (row + 1) - top, "font-size": size, "font-weight": weight, fill: "#222" }, text));
    svg.prepend(make("rect", { x: 0, y: -top, width, height: height + top, fill: "#fff" }), ...words);
    return new XMLSerializer().serializeToString(svg);
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-csv],button[data-svg]");
    if (!button) return;
    if (button.dataset.csv) save(`${button.dataset.csv}.csv`, (await opened())[button.dataset.csv], "text/csv");
    else save(`${button.dataset.svg}.svg`, picture(button.closest("figure")), "image/svg+xml");
  });

  const blocks = () => document.querySelectorAll("details");
  const reveal = () => {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (hash === "all") return blocks().forEach((block) => { block.open = true; });
    const target = hash && $(hash);
    if (!target) return;
    if (target.tagName === "DETAILS") target.open = true;
    for (let node = target.closest("details"); node; node = node.parentElement.closest("details")) node.open = true;
    target.scrollIntoView();
    mark(hash);
  };
  const mark = (hash) => {
    document.querySelectorAll(".mine").forEach((node) => node.classList.remove("mine"));
    if (!hash.startsWith("province-")) return;
    document.querySelectorAll(`a[href="#${CSS.escape(hash)}"]`).forEach((link) => (link.closest("tr") || link).classList.add("mine"));
    $("mine").value = hash;
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.getAttribute("href") === location.hash) reveal();
  });
  $("mine").addEventListener("change", (event) => { if (event.target.value) location.hash = event.target.value; });

  const places = [...document.querySelectorAll("summary,figcaption h3,caption span,.findable tbody tr")];
  const texts = places.map((node) => node.textContent.replace(/\s+/g, " ").trim());
  const list = $("found");
  $("search").addEventListener("input", (event) => {
    const asked = event.target.value.trim().toLowerCase();
    list.replaceChildren();
    if (asked.length < 1) return;
    let hits = 0;
    texts.forEach((text, index) => {
      if (hits >= 12 || !text.toLowerCase().includes(asked)) return;
      hits += 1;
      const item = document.createElement("li");
      const go = document.createElement("button");
      go.type = "button";
      go.textContent = text.slice(0, 110);
      go.addEventListener("click", () => {
        const node = places[index];
        for (let block = node.closest("details"); block; block = block.parentElement.closest("details")) block.open = true;
        node.scrollIntoView({ block: "center" });
        node.classList.add("hit");
        setTimeout(() => node.classList.remove("hit"), 2500);
        list.replaceChildren();
      });
      item.append(go);
      list.append(item);
    });
    if (!hits) list.append(Object.assign(document.createElement("li"), { textContent: list.dataset.none }));
  });
  document.documentElement.classList.add("scripted");
  reveal();
})();
