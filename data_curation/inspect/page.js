// Map and list of records. Texts enter the page as text nodes only.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const total = data.text.length;
  const byId = (id) => document.getElementById(id);
  const haystack = data.text.map((text, i) => (text + "\n" + data.instruction[i]).toLowerCase());
  const hidden = new Set();
  let matching = null; // null: no filter; else one byte a point
  let scheme = "cluster";

  function make(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // ---- colours ----
  const LENGTHS = [10, 50, 150, 400, Infinity];
  const LENGTH_NAMES = ["up to 10 words", "to 50", "to 150", "to 400", "more"];
  const LENGTH_COLOURS = ["#b7d6ee", "#7fb2dd", "#4a86c5", "#2a5a9e", "#0f2f66"];
  const schemes = {
    cluster: { of: (i) => data.cluster[i], names: data.clusters, colours: data.colours },
    source: { of: (i) => data.source[i], names: data.sources, colours: data.colours },
    words: { of: (i) => LENGTHS.findIndex((most) => data.words[i] <= most), names: LENGTH_NAMES, colours: LENGTH_COLOURS },
    reason: { of: (i) => data.reason[i] + 1, names: ["kept", ...data.reasons], colours: ["#9aa5b1", "#cc3311", ...data.colours] },
  };
  const categoryOf = (i) => schemes[scheme].of(i);
  const colourOf = (category) => schemes[scheme].colours[category % schemes[scheme].colours.length];

  // ---- map ----
  const canvas = byId("canvas");
  const drawn = canvas && data.x.length === total;
  const view = { scale: 1, x: 0, y: 0 };
  let hovered = -1, asked = false, redraw = () => {};

  function startMap() {
    const stage = byId("stage"), tip = byId("tip"), context = canvas.getContext("2d");
    let width = 0, height = 0;
    const screenX = (i) => width / 2 + (data.x[i] - view.x) * view.scale * width * 0.47;
    const screenY = (i) => height / 2 - (data.y[i] - view.y) * view.scale * height * 0.47;
    const isShown = (i) => !hidden.has(categoryOf(i));

    function draw() {
      asked = false;
      const ratio = window.devicePixelRatio || 1;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      const size = Math.min(5, (total > 4000 ? 1.6 : 2.4) * Math.sqrt(Math.max(1, view.scale)));
      for (const faded of matching ? [true, false] : [false]) {
        context.globalAlpha = faded ? 0.12 : 0.8;
        for (let i = 0; i < total; i++) {
          if (!isShown(i) || Boolean(matching && !matching[i]) !== faded) continue;
          const x = screenX(i), y = screenY(i);
          if (x < -5 || y < -5 || x > width + 5 || y > height + 5) continue;
          context.fillStyle = context.strokeStyle = colourOf(categoryOf(i));
          if (data.reason[i] < 0) {
            context.beginPath();
            context.arc(x, y, size, 0, 2 * Math.PI);
            context.fill();
          } else {
            const arm = size + 1.2;
            context.lineWidth = 1.5;
            context.beginPath();
            context.moveTo(x - arm, y - arm); context.lineTo(x + arm, y + arm);
            context.moveTo(x + arm, y - arm); context.lineTo(x - arm, y + arm);
            context.stroke();
          }
        }
      }
      if (hovered >= 0) {
        context.globalAlpha = 1;
        context.strokeStyle = getComputedStyle(document.body).color;
        context.lineWidth = 2;
        context.beginPath();
        context.arc(screenX(hovered), screenY(hovered), size + 4, 0, 2 * Math.PI);
        context.stroke();
      }
    }
    redraw = () => { if (!asked) { asked = true; requestAnimationFrame(draw); } };

    function nearest(x, y) {
      let best = -1, least = 18 * 18;
      for (let i = 0; i < total; i++) {
        if (!isShown(i) || (matching && !matching[i])) continue;
        const dx = screenX(i) - x, dy = screenY(i) - y, away = dx * dx + dy * dy;
        if (away < least) { least = away; best = i; }
      }
      return best;
    }
    function point(x, y) {
      const found = nearest(x, y);
      if (found !== hovered) { hovered = found; redraw(); }
      tip.hidden = found < 0;
      if (found < 0) return;
      const why = data.reason[found] < 0 ? "" : ", dropped (" + data.reasons[data.reason[found]] + ")";
      const start = data.text[found].length > 300 ? data.text[found].slice(0, 300) + "\u2026" : data.text[found];
      tip.replaceChildren(
        make("b", "", data.sources[data.source[found]] + ", row " + data.row[found] + ", " + data.words[found] + " words" + why),
        document.createTextNode(start));
      tip.style.left = Math.max(4, Math.min(x + 14, width - tip.offsetWidth - 4)) + "px";
      tip.style.top = (y + 18 + tip.offsetHeight < height ? y + 18 : Math.max(4, y - tip.offsetHeight - 14)) + "px";
    }
    function zoom(factor, x, y) {
      const scale = Math.min(60, Math.max(1, view.scale * factor));
      const dx = (x - width / 2) / (width * 0.47), dy = (height / 2 - y) / (height * 0.47);
      view.x += dx / view.scale - dx / scale;
      view.y += dy / view.scale - dy / scale;
      view.scale = scale;
      if (scale === 1) view.x = view.y = 0;
      tip.hidden = true;
      redraw();
    }
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") { held = [event.offsetX, event.offsetY]; canvas.setPointerCapture(event.pointerId); }
      else point(event.offsetX, event.offsetY);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse") return;
      if (!held) { point(event.offsetX, event.offsetY); return; }
      view.x -= (event.offsetX - held[0]) / (view.scale * width * 0.47);
      view.y += (event.offsetY - held[1]) / (view.scale * height * 0.47);
      held = [event.offsetX, event.offsetY];
      tip.hidden = true;
      redraw();
    });
    canvas.addEventListener("pointerup", () => { held = null; });
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") { hovered = -1; tip.hidden = true; redraw(); }
    });
    // with a key, so that a page that is being read does not zoom instead of moving on
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      zoom(event.deltaY + event.deltaX < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("dblclick", (event) => zoom(2, event.offsetX, event.offsetY));
    byId("closer").addEventListener("click", () => zoom(1.6, width / 2, height / 2));
    byId("farther").addEventListener("click", () => zoom(1 / 1.6, width / 2, height / 2));
    byId("whole").addEventListener("click", () => zoom(0, width / 2, height / 2));
    byId("colour-by").addEventListener("change", (event) => { scheme = event.target.value; hidden.clear(); legend(); redraw(); });
    const fit = () => { width = stage.clientWidth; height = stage.clientHeight; draw(); };
    new ResizeObserver(fit).observe(stage);
    legend();
    fit();
  }

  function legend() {
    const counts = new Map();
    for (let i = 0; i < total; i++) counts.set(categoryOf(i), (counts.get(categoryOf(i)) || 0) + 1);
    byId("legend").replaceChildren(...[...counts.keys()].sort((a, b) => a - b).map((category) => {
      const item = make("li"), button = make("button"), dot = make("i");
      button.type = "button";
      dot.style.background = colourOf(category);
      button.append(dot, document.createTextNode(schemes[scheme].names[category] + " (" + counts.get(category).toLocaleString("en") + ")"));
      button.setAttribute("aria-pressed", String(!hidden.has(category)));
      button.addEventListener("click", () => {
        if (!hidden.delete(category)) hidden.add(category);
        button.setAttribute("aria-pressed", String(!hidden.has(category)));
        redraw();
      });
      item.append(button);
      return item;
    }));
  }

  // ---- list ----
  const PAGE = 30;
  const choices = { state: "", group: "", origin: "" };
  let results = [], listed = 0;

  function fill(id, first, names) {
    const select = byId(id);
    select.hidden = names.length < 2 && id !== "state";
    [first, ...names].forEach((name, place) => {
      const option = make("option", "", name.length > 48 ? name.slice(0, 47) + "\u2026" : name);
      option.value = place === 0 ? "" : String(place - 1);
      select.append(option);
    });
    select.addEventListener("change", () => { choices[id] = select.value; filter(); });
  }
  function wanted(i, words) {
    if (choices.state === "0" && data.reason[i] >= 0) return false;
    if (choices.state === "1" && data.reason[i] < 0) return false;
    if (choices.state > "1" && data.reason[i] !== Number(choices.state) - 2) return false;
    if (choices.group !== "" && data.cluster[i] !== Number(choices.group)) return false;
    if (choices.origin !== "" && data.source[i] !== Number(choices.origin)) return false;
    return words.every((word) => haystack[i].includes(word));
  }
  function filter() {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = !words.length && !choices.state && !choices.group && !choices.origin;
    results = [];
    matching = all ? null : new Uint8Array(total);
    for (let i = 0; i < total; i++) {
      if (!wanted(i, words)) continue;
      results.push(i);
      if (matching) matching[i] = 1;
    }
    byId("found").textContent = results.length.toLocaleString("en") + " of " + total.toLocaleString("en") + " records on this page" +
      (drawn && matching ? "; the others are faint on the map" : "");
    byId("list").replaceChildren();
    listed = 0;
    more(words);
    redraw();
  }
  function marked(element, text, words) {
    const lower = text.toLowerCase();
    // lower case may be longer than the text in some scripts: then nothing is marked
    if (!words.length || lower.length !== text.length) { element.textContent = text; return element; }
    let at = 0;
    while (at < text.length) {
      let next = -1, length = 0;
      for (const word of words) {
        const place = lower.indexOf(word, at);
        if (place >= 0 && (next < 0 || place < next)) { next = place; length = word.length; }
      }
      if (next < 0) break;
      element.append(text.slice(at, next), make("mark", "", text.slice(next, next + length)));
      at = next + length;
    }
    element.append(text.slice(at));
    return element;
  }
  function entry(i, words) {
    const article = make("article"), meta = make("p", "meta");
    if (drawn) {
      const dot = make("i");
      dot.style.background = data.colours[data.cluster[i] % data.colours.length];
      dot.title = data.clusters[data.cluster[i]];
      meta.append(dot);
    }
    meta.append(data.sources[data.source[i]] + ", row " + data.row[i] + ", " + data.words[i] + " words ");
    if (data.reason[i] >= 0) meta.append(make("span", "why", "dropped, " + data.reasons[data.reason[i]]));
    article.append(meta);
    if (data.instruction[i]) article.append(marked(make("p", "ask"), data.instruction[i], words));
    article.append(marked(make("div", "body"), data.text[i], words));
    if (drawn) {
      article.addEventListener("pointerenter", () => { hovered = i; redraw(); });
      article.addEventListener("pointerleave", () => { hovered = -1; redraw(); });
    }
    return article;
  }
  function more(words) {
    const next = results.slice(listed, listed + PAGE);
    byId("list").append(...next.map((i) => entry(i, words)));
    listed += next.length;
    byId("more").hidden = listed >= results.length;
  }
  fill("state", "kept and dropped", ["kept", "dropped", ...data.reasons]);
  byId("state").hidden = !data.reasons.length;
  fill("group", "all clusters", data.clusters);
  fill("origin", "all sources", data.sources);
  byId("search").addEventListener("input", filter);
  byId("more").addEventListener("click", () => more(byId("search").value.toLowerCase().split(/\s+/).filter(Boolean)));
  if (drawn && total) startMap();
  filter();
})();
