#pragma once
#include <string_view>

namespace xgrad::draw {

/// How the page of a graph looks, by day and by night.
inline constexpr std::string_view graph_style = R"css(
:root {
  color-scheme: light dark;
  --back: #faf9f6; --card: #fff; --ink: #1c1e22; --soft: #5d636e; --edge: #8a8f98; --line: #dddad2; --hot: #c4480c; --heat: 214 99 36;
  --op: #e8eefc; --op-line: #5b7bd5; --leaf: #fdf3dc; --leaf-line: #c99a2e; --result: #dff3e4; --result-line: #3f9a5a;
  --layer: #f1f0ec; --layer-line: #a9a79f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #121418; --card: #1a1d23; --ink: #e9e9e6; --soft: #a3a9b5; --edge: #6d7480; --line: #333843; --hot: #ff9a56; --heat: 255 140 70;
    --op: #1d2a4a; --op-line: #6f8fe6; --leaf: #3a2f14; --leaf-line: #d0a443; --result: #173523; --result-line: #4aaf6e;
    --layer: #1c2027; --layer-line: #565d69;
  }
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body {
  display: flex; flex-direction: column; background: var(--back); color: var(--ink);
  font: 14px/1.45 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1rem; padding: .55rem 1rem; border-bottom: 1px solid var(--line); background: var(--card); }
h1 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); font-size: .85rem; }
header .remark { color: var(--hot); flex-basis: 100%; }
.tools { display: flex; flex-wrap: wrap; gap: .4rem; margin-left: auto; align-items: center; }
input, select, button { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: .2rem .55rem; }
button { cursor: pointer; }
input { width: 12rem; }
#found { color: var(--soft); min-width: 4.5rem; font-size: .85rem; }
main { position: relative; flex: 1; min-height: 0; }
svg { display: block; width: 100%; height: 100%; touch-action: none; cursor: grab; user-select: none; -webkit-user-select: none; }
svg.moving { cursor: grabbing; }
svg text { fill: var(--soft); text-anchor: middle; font-size: 11px; pointer-events: none; }
svg text.n { fill: var(--ink); font-weight: 600; }
svg.far text { display: none; }
svg text.head { text-anchor: start; }
svg.far text.head { display: inline; font-size: 20px; }
path { fill: none; stroke: var(--edge); stroke-width: 1.2; }
path.hot { stroke: var(--hot); stroke-width: 2.4; }
rect.k0 { fill: var(--layer); stroke: var(--layer-line); }
rect.k1 { fill: var(--op); stroke: var(--op-line); }
rect.k2 { fill: var(--leaf); stroke: var(--leaf-line); }
rect.k3 { fill: var(--back); stroke: var(--edge); stroke-dasharray: 4 3; }
rect.k4 { fill: var(--result); stroke: var(--result-line); }
g.layer { cursor: pointer; }
g.found > rect { stroke: var(--hot); stroke-width: 2; }
g.chosen > rect { stroke: var(--hot); stroke-width: 3; }
#card {
  position: absolute; right: .8rem; top: .8rem; width: min(24rem, calc(100% - 1.6rem)); max-height: calc(100% - 1.6rem); overflow: auto;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; pointer-events: none;
  box-shadow: 0 4px 18px rgb(0 0 0 / .12);
}
#card.pinned { pointer-events: auto; border-color: var(--hot); }
#card[hidden] { display: none; }
#card b { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; margin: .4rem 0 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; text-align: right; }
#help { position: absolute; left: .8rem; bottom: .6rem; color: var(--soft); font-size: .8rem; pointer-events: none; }
@media (max-width: 40rem) { #card { top: auto; bottom: .8rem; max-height: 45%; } #help { display: none; } .tools { margin-left: 0; } }
)css";

/// Lays out what is open, in the same way as graph.cpp, and draws it. Texts are only ever set as text.
inline constexpr std::string_view graph_script = R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent), B = data.boxes, P = data.plans;
const svg = document.querySelector('svg'), scene = document.getElementById('scene'), card = document.getElementById('card');
const charWidth = 6.7, rowGap = 30, gap = 14, border = 14, head = 24;
const open = new Set(data.open), size = [];
let chosen = -1, found = [], at = -1, heat = 'kind', view = {x: 0, y: 0, s: 1};

const cut = (text, most) => { const c = [...text]; return c.length > most ? c.slice(0, most - 1).join('') + '…' : text; };
const linesOf = b => b.k === 0 ? [cut(b.n, 40), cut(b.s + (b.o ? ' · ' + b.o : ''), 44)]
  : [cut(!b.n ? b.o : !b.o ? b.n : b.n + ' = ' + b.o, 34), cut(b.s, 34)];

function place(k) {
  const plan = P[k], kids = B[k].h, x = [], y = [], w = [], h = [], up = [], down = [], row = [];
  let bottom = 0;
  plan.r.forEach((members, r) => {
    let tallest = 0, from = 0;
    for (const v of members) {
      w[v] = v < kids.length ? size[kids[v]].w : 2; h[v] = v < kids.length ? size[kids[v]].h : 0;
      tallest = Math.max(tallest, h[v]); x[v] = from + w[v] / 2; from += w[v] + gap; row[v] = r; up[v] = []; down[v] = [];
    }
    for (const v of members) { x[v] -= from / 2; y[v] = bottom + tallest / 2; if (v >= kids.length + 2) h[v] = tallest; }
    if (members.length) bottom += tallest + rowGap;
  });
  bottom = Math.max(0, bottom - rowGap);
  // What gives way: parameters to lines, lines to operations.
  const weight = v => v < kids.length ? (B[kids[v]].k === 2 || B[kids[v]].k === 3 ? 1 : 20) : 4;
  for (const line of plan.l)
    for (let i = 0; i + 1 < line.length; ++i) {
      const [a, b] = row[line[i]] < row[line[i + 1]] ? [line[i], line[i + 1]] : [line[i + 1], line[i]];
      if (row[a] !== row[b]) { down[a].push(b); up[b].push(a); }
    }
  for (let sweep = 0; sweep < 6; ++sweep)
    for (let i = 0; i < plan.r.length; ++i) {
      const members = plan.r[sweep % 2 ? plan.r.length - 1 - i : i], blocks = [], offsets = [];
      let offset = 0;
      members.forEach((v, m) => {
        if (m) offset += (w[members[m - 1]] + w[v]) / 2 + gap;
        offsets.push(offset);
        let wish = 0, pull = 0;
        for (const u of (sweep % 2 ? down[v] : up[v]).concat(sweep === 5 ? up[v] : [])) {
          const strong = Math.min(weight(u), weight(v));
          wish += strong * x[u]; pull += strong;
        }
        blocks.push({sum: weight(v) * ((pull ? wish / pull : x[v]) - offset), weight: weight(v), n: 1});
        while (blocks.length > 1) {
          const b = blocks[blocks.length - 1], a = blocks[blocks.length - 2];
          if (a.sum / a.weight <= b.sum / b.weight) break;
          a.sum += b.sum; a.weight += b.weight; a.n += b.n; blocks.pop();
        }
      });
      let m = 0;
      for (const b of blocks) for (let c = 0; c < b.n; ++c, ++m) x[members[m]] = b.sum / b.weight + offsets[m];
    }
  let left = Infinity, right = -Infinity;
  for (const members of plan.r) for (const v of members) { left = Math.min(left, x[v] - w[v] / 2); right = Math.max(right, x[v] + w[v] / 2); }
  return {x, y, h, left, right, bottom};
}
function measure(k) {
  const b = B[k];
  if (b.k !== 0 || !open.has(k)) {
    const [one, two] = linesOf(b);
    size[k] = {w: Math.max(54, charWidth * Math.max([...one].length, [...two].length) + 20), h: 38};
    return;
  }
  b.h.forEach(measure);
  const p = place(k);
  const w = Math.max(p.right - p.left + 2 * border, charWidth * [...b.n].length + 30);
  size[k] = {w, h: p.bottom + 2 * border + head, p};
}

const made = (tag, attributes, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  if (text !== undefined) e.textContent = text;
  return e;
};
const strength = b => {
  const v = heat === 'ms' ? (b.f || 0) + (b.r || 0) : heat === 'kept' ? b.m : heat === 'gradient' ? b.g : undefined;
  return typeof v === 'number' && v > 0 ? v : v === 'inf' ? Infinity : 0;
};
// What is open becomes a list of things with their places; those in sight are elements of the page.
let items = [], byBox = new Map(), most = 0, waiting = false;
const floors = [];  // two for each depth: boxes, and above them the lines in open ones
function arrange(k, x, y, depth) {
  const b = B[k], s = size[k], p = s.p, n = b.k === 0 ? b.h.length : 0;
  const item = {x, y, w: s.w, h: s.h, floor: 2 * depth, k, make: () => boxOf(k, x, y)};
  items.push(item);
  byBox.set(k, item);
  if (!p) return;
  const middle = x + s.w / 2, left = middle - (p.left + p.right) / 2, top = y + border + head;
  for (const line of P[k].l) {
    const points = [];
    line.forEach((v, i) => {
      const px = v === n || v === n + 1 ? middle : left + p.x[v], half = p.h[v] / 2, py = top + p.y[v];
      if (v === n) points.push([px, y]);
      else if (v === n + 1) points.push([px, y + s.h]);
      else if (i === 0) points.push([px, py + half]);
      else if (i === line.length - 1) points.push([px, py - half]);
      else points.push(...(points[0][1] <= py ? [[px, py - half], [px, py + half]] : [[px, py + half], [px, py - half]]));
    });
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (const [px, py] of points) { x0 = Math.min(x0, px); x1 = Math.max(x1, px); y0 = Math.min(y0, py); y1 = Math.max(y1, py); }
    const first = line[0], last = line[line.length - 1];
    items.push({x: x0, y: y0, w: x1 - x0, h: y1 - y0, floor: 2 * depth + 1, from: first < n ? b.h[first] : k, to: last < n ? b.h[last] : k,
      make: () => lineOf(points)});
  }
  b.h.forEach((c, v) => arrange(c, left + p.x[v] - size[c].w / 2, top + p.y[v] - size[c].h / 2, depth + 1));
}
function boxOf(k, x, y) {
  const b = B[k], s = size[k], isOpen = !!s.p, g = made('g', {class: b.k === 0 ? 'layer' : 'box'});
  g.dataset.k = k;
  const rect = made('rect', {class: 'k' + b.k, x, y, width: s.w, height: s.h, rx: b.k === 2 || b.k === 3 ? 2 : 8}), v = strength(b);
  if (heat !== 'kind' && !isOpen) {
    const low = most / 1e4, part = v === Infinity ? 1 : v <= low ? 0 : heat === 'gradient' ? Math.log(v / low) / Math.log(1e4) : Math.sqrt(v / most);
    rect.style.fill = `rgb(var(--heat) / ${Math.min(1, part).toFixed(3)})`;
  }
  g.append(rect);
  if (isOpen) { g.append(made('text', {class: 'n head', x: x + 10, y: y + 16}, cut(b.n, 60))); return g; }
  const [one, two] = linesOf(b), middle = x + s.w / 2;
  g.append(made('text', {class: 'n', x: middle, y: y + 16}, (b.k === 0 && b.h.length ? '▸ ' : '') + one), made('text', {x: middle, y: y + 30}, two));
  return g;
}
function lineOf(points) {
  let d = 'M' + points[0].map(c => c.toFixed(1)).join(' ');
  for (let i = 1; i < points.length; ++i) {
    const [ax, ay] = points[i - 1], [bx, by] = points[i], half = ((ay + by) / 2).toFixed(1);
    d += ax === bx ? `V${by.toFixed(1)}` : `C${ax.toFixed(1)} ${half} ${bx.toFixed(1)} ${half} ${bx.toFixed(1)} ${by.toFixed(1)}`;
  }
  return made('path', {d});
}
function paint() {
  waiting = false;
  const margin = 200, x0 = (-margin - view.x) / view.s, y0 = (-margin - view.y) / view.s;
  const x1 = (svg.clientWidth + margin - view.x) / view.s, y1 = (svg.clientHeight + margin - view.y) / view.s;
  for (const item of items) {
    const seen = item.x < x1 && item.x + item.w > x0 && item.y < y1 && item.y + item.h > y0;
    if (seen && !item.e) { item.e = item.make(); look(item); floors[item.floor].append(item.e); }
    if (!seen && item.e) { item.e.remove(); item.e = null; }
  }
}
let matches = new Set(), lit = -1;
function look(item) {
  if (item.k === undefined) { item.e.classList.toggle('hot', lit >= 0 && (item.from === lit || item.to === lit)); return; }
  item.e.classList.toggle('found', matches.has(item.k));
  item.e.classList.toggle('chosen', item.k === chosen);
}
function mark() { lit = chosen; for (const item of items) if (item.e) look(item); }
function light(k) {
  if (k === lit) return;
  lit = k;
  for (const item of items) if (item.e && item.k === undefined) look(item);
}
function render() {
  measure(0);
  most = 0;
  for (let k = 0; k < B.length; ++k) if (!open.has(k) && strength(B[k]) !== Infinity) most = Math.max(most, strength(B[k]));
  items = []; byBox = new Map();
  arrange(0, 0, 0, 0);
  scene.replaceChildren();
  floors.length = 0;
  for (const item of items) while (floors.length <= item.floor) { floors.push(made('g', {})); scene.append(floors[floors.length - 1]); }
}

function move() {
  scene.setAttribute('transform', `translate(${view.x} ${view.y}) scale(${view.s})`);
  svg.classList.toggle('far', view.s < 0.35);
  if (!waiting) { waiting = true; requestAnimationFrame(paint); }
}
function zoom(factor, cx, cy) {
  const s = Math.min(4, Math.max(0.01, view.s * factor));
  view = {x: cx - (cx - view.x) * s / view.s, y: cy - (cy - view.y) * s / view.s, s};
  move();
}
function fit(whole) {
  const w = svg.clientWidth, h = svg.clientHeight;
  let s = Math.min(w / (size[0].w + 40), h / (size[0].h + 40), 1.3);
  if (!whole) s = Math.max(s, Math.min(0.8, w / (size[0].w + 40)), 0.1);
  view = {x: (w - size[0].w * s) / 2, y: Math.max((h - size[0].h * s) / 2, 20 * s), s};
  move();
}
function centre(k) {
  const e = byBox.get(k);
  if (!e) return;
  const s = Math.max(view.s, 0.8);
  view = {s, x: svg.clientWidth / 2 - (e.x + size[k].w / 2) * s, y: svg.clientHeight / 2 - (e.y + Math.min(size[k].h, 200) / 2) * s};
  move();
}

const number = x => x === 'inf' ? 'not finite' : String(Number(x.toPrecision(4)));
const bytes = x => x < 1000 ? x + ' B' : x < 1e6 ? (x / 1e3).toFixed(1) + ' kB' : x < 1e9 ? (x / 1e6).toFixed(1) + ' MB' : (x / 1e9).toFixed(2) + ' GB';
const grouped = x => String(x).replace(/\B(?=(\d{3})+$)/g, '\u202f');
const kinds = ['layer', 'operation', 'leaf', 'constant', 'result'];
function show(k, pinned) {
  const b = B[k], list = document.createElement('dl'), name = document.createElement('b');
  name.textContent = b.p || b.n || b.o;
  const add = (what, value) => {
    if (value === undefined || value === '') return;
    const t = document.createElement('dt'), d = document.createElement('dd');
    t.textContent = what; d.textContent = value; list.append(t, d);
  };
  add('kind', kinds[b.k]);
  add(b.k === 0 ? 'operations' : 'operation', b.k === 0 ? grouped(b.c) + (b.o ? ': ' + b.o : '') : b.o);
  add(b.k === 0 ? 'last shape' : 'shape', b.s);
  add('options', b.a);
  if (b.lo !== undefined) add('values', number(b.lo) + ' … ' + number(b.hi));
  if (b.odd) add('not finite', grouped(b.odd));
  if (b.g !== undefined) add(b.k === 0 ? 'gradient norm of parameters' : 'gradient norm', number(b.g));
  if (b.q) add('numbers trained', grouped(b.q));
  add(b.k === 0 ? 'bytes of results' : 'bytes', bytes(b.b));
  if (b.m) add('kept for backward', bytes(b.m));
  if (b.f !== undefined) add('forward', number(b.f) + ' ms');
  if (b.r !== undefined) add('backward', number(b.r) + ' ms');
  add('line', b.w);
  card.replaceChildren(name, list);
  card.hidden = false;
  card.classList.toggle('pinned', pinned);
}
function hover(k) {
  if (k >= 0) { show(k, k === chosen); light(k); return; }
  light(chosen);
  if (chosen >= 0) show(chosen, true); else card.hidden = true;
}
const under = e => { const g = e.target.closest && e.target.closest('g[data-k]'); return g ? Number(g.dataset.k) : -1; };

function toggle(k) {
  const e = byBox.get(k), before = {x: view.x + e.x * view.s, y: view.y + e.y * view.s};
  open.has(k) ? open.delete(k) : open.add(k);
  render();
  const now = byBox.get(k);  // stays where the pointer is
  view.x = before.x - now.x * view.s; view.y = before.y - now.y * view.s;
  move();
}
function choose(k) { chosen = k; mark(); hover(k); }

let drag = null;
svg.addEventListener('pointerdown', e => { drag = {x: e.clientX, y: e.clientY, vx: view.x, vy: view.y, moved: false, k: under(e)}; });
svg.addEventListener('pointermove', e => {
  if (!drag) { hover(under(e) > 0 ? under(e) : -1); return; }
  const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (!drag.moved) { drag.moved = true; svg.setPointerCapture(e.pointerId); svg.classList.add('moving'); }
  view.x = drag.vx + dx; view.y = drag.vy + dy;
  move();
});
svg.addEventListener('pointerup', () => {
  svg.classList.remove('moving');
  if (drag && !drag.moved) {
    const k = drag.k;
    if (k > 0 && B[k].k === 0 && B[k].h.length) { choose(k); toggle(k); } else choose(k > 0 && k !== chosen ? k : -1);
  }
  drag = null;
});
svg.addEventListener('wheel', e => {
  e.preventDefault();
  const box = svg.getBoundingClientRect();
  zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), e.clientX - box.left, e.clientY - box.top);
}, {passive: false});

const search = document.getElementById('search'), said = document.getElementById('found');
const texts = B.map(b => [b.p, b.n, b.o, b.s, b.w, b.a].join('\n').toLowerCase());
search.addEventListener('input', () => {
  const text = search.value.trim().toLowerCase();
  found = text ? B.map((_, k) => k).filter(k => k > 0 && !(B[k].k === 0 && !B[k].c) && texts[k].includes(text)) : [];
  matches = new Set(found);
  at = -1;
  said.textContent = text ? found.length + ' found' : '';
  mark();
});
search.addEventListener('keydown', e => {
  if (e.key !== 'Enter' || !found.length) return;
  at = (at + (e.shiftKey ? found.length - 1 : 1)) % found.length;
  said.textContent = `${at + 1} of ${found.length}`;
  go(found[at]);
});
// Opens what a box is in, and puts it into the middle.
function go(k) {
  for (let u = B[k].u; ; u = B[u].u) { open.add(u); if (u === 0) break; }
  chosen = k;
  render(); centre(k); mark(); hover(k);
}
const all = on => { for (let k = 1; k < B.length; ++k) if (B[k].k === 0 && B[k].h.length) on ? open.add(k) : open.delete(k); render(); fit(false); };
document.getElementById('open').onclick = () => all(true);
document.getElementById('close').onclick = () => all(false);
document.getElementById('fit').onclick = () => fit(true);
document.getElementById('colour').onchange = e => { heat = e.target.value; render(); move(); };
addEventListener('keydown', e => {
  if (e.target === search) { if (e.key === 'Escape') search.blur(); return; }
  const w = svg.clientWidth / 2, h = svg.clientHeight / 2;
  if (e.key === '/') { e.preventDefault(); search.focus(); }
  else if (e.key === '+' || e.key === '=') zoom(1.25, w, h);
  else if (e.key === '-') zoom(0.8, w, h);
  else if (e.key === 'f') fit(true);
  else if (e.key === 'Escape') choose(-1);
  else if (e.key.startsWith('Arrow')) {
    view.x += e.key === 'ArrowLeft' ? 80 : e.key === 'ArrowRight' ? -80 : 0;
    view.y += e.key === 'ArrowUp' ? 80 : e.key === 'ArrowDown' ? -80 : 0;
    move();
  }
});
addEventListener('resize', move);
render();
fit(false);
// graph.html#conv1 begins at that box
const wanted = decodeURIComponent(location.hash.slice(1));
const there = wanted ? B.findIndex((b, k) => k > 0 && (b.p === wanted || b.n === wanted)) : -1;
if (there > 0) go(there);
requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.ready = Math.round(performance.now()); }));
)js";

}  // namespace xgrad::draw
