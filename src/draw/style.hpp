#pragma once
#include <string_view>

namespace xgrad::draw {

/// How a page looks, by day and by night.
inline constexpr std::string_view page_style = R"css(
:root {
  color-scheme: light dark;
  --paper: #faf9f6; --card: #ffffff; --ink: #1c1e22; --soft: #5d636e; --faint: #8d939e; --line: #e5e3dd;
  --train: 62 99 201; --test: 214 99 36; --good: 38 145 90; --bad: 209 58 58;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #121418; --card: #1a1d23; --ink: #e9e9e6; --soft: #a3a9b5; --faint: #757c89; --line: #2c3038;
    --train: 126 160 255; --test: 255 152 84; --good: 74 190 128; --bad: 240 96 92;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
main { max-width: 70rem; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 2.5rem); }
h1, h2 { font-family: ui-serif, Charter, "Iowan Old Style", "Source Serif Pro", Georgia, "Noto Serif", "DejaVu Serif", serif; font-weight: 600; line-height: 1.2; text-wrap: balance; }
h1 { font-size: clamp(1.9rem, 5vw, 2.9rem); margin: 0; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.45rem; margin: 0 0 .35rem; letter-spacing: -0.005em; }
section { margin-top: clamp(2.5rem, 6vw, 4rem); }
h2 + div { margin-top: 1rem; }
section > p, header > p.text { color: var(--soft); max-width: 42rem; margin: 0 0 1.25rem; text-wrap: pretty; }
.kicker { color: var(--soft); font-size: .85rem; letter-spacing: .08em; text-transform: uppercase; margin: 0 0 .5rem; }
.score { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem 1.2rem; margin: 1.2rem 0 1.8rem; }
.score b { font-size: clamp(3rem, 10vw, 5.2rem); line-height: 1; letter-spacing: -0.035em; color: rgb(var(--good)); font-weight: 650; }
.score b small { font-size: .5em; letter-spacing: 0; }
.score span { color: var(--soft); font-size: 1.05rem; }
.note { border-left: 3px solid rgb(var(--test)); padding: .4rem .9rem; background: rgb(var(--test) / .09); border-radius: 0 6px 6px 0; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem 1.5rem; margin: 0; border-top: 1px solid var(--line); padding-top: 1.1rem; }
dl .wide { grid-column: span 2; }
dt { color: var(--faint); font-size: .78rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem; }
.scroll { overflow-x: auto; }

.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem; }
.charts figure { margin: 0; border: 1px solid var(--line); border-radius: 12px; overflow: hidden; background: var(--card); }
.charts svg { display: block; }
.charts > figure > svg { width: 100%; height: auto; }

table { border-collapse: collapse; font-size: .9rem; width: 100%; }
.matrix { border-collapse: separate; border-spacing: 3px; min-width: 44rem; table-layout: fixed; text-align: center; }
.matrix th { font-weight: 500; color: var(--soft); padding: .25rem .3rem; }
.matrix .long span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
.matrix thead th { vertical-align: bottom; }
.matrix tbody th { text-align: right; white-space: nowrap; }
.matrix td { height: 2.4rem; border-radius: 6px; padding: 0; }
.matrix .hit { background: rgb(var(--good) / var(--a)); }
.matrix .miss { background: rgb(var(--bad) / var(--a)); }
.matrix .none { background: color-mix(in srgb, var(--line) 35%, transparent); color: transparent; }
.matrix .total { color: var(--soft); font-size: .8rem; }
.matrix .corner { color: var(--faint); font-size: .75rem; text-align: right; width: 7.4rem; white-space: nowrap; vertical-align: bottom; }

.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.6rem, 1fr)); gap: .9rem; align-items: start; }
.pictures figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.pictures img { display: block; width: 100%; image-rendering: pixelated; }
.pictures figcaption { margin: 0; padding: .4rem .55rem .5rem; font-size: .82rem; line-height: 1.35; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.pictures small { display: block; font-size: 1em; color: var(--soft); }
.ink { filter: invert(1); }
@media (prefers-color-scheme: dark) { .ink { filter: none; } .around-white { filter: invert(1) hue-rotate(180deg); } }

.network { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 26rem); gap: 1.25rem; align-items: start; }
@media (max-width: 56rem) { .network { grid-template-columns: minmax(0, 1fr); } }
.network > :first-child { position: sticky; top: 1.25rem; }
@media (max-width: 56rem) { .network > :first-child { position: static; } }
.plain th, .plain td { text-align: left; padding: .5rem .8rem .5rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
.plain th { color: var(--faint); font-weight: 500; font-size: .8rem; }
.plain .r { text-align: right; }
.plain tr > :last-child { padding-right: 0; }
.plain td:first-child { font-weight: 600; }
.plain tfoot td { border-bottom: 0; font-weight: 600; }
.graph { text-align: center; }
.card + .graph, div + .graph { margin-top: 1.25rem; }
.network .graph { margin-top: 0; }
.graph svg { max-width: 100%; height: auto; }
.graph svg text { font-family: inherit; fill: var(--ink); }
.graph .node polygon, .graph .node path { fill: rgb(var(--c) / .13); stroke: rgb(var(--c)); }
.graph .op { --c: var(--train); } .graph .leaf { --c: 201 154 46; } .graph .result { --c: var(--good); } .graph .constant { --c: 140 146 156; }
.graph .edge path { stroke: var(--faint); } .graph .edge polygon { fill: var(--faint); stroke: var(--faint); }
details pre { overflow-x: auto; text-align: left; font-size: .78rem; line-height: 1.45; }
summary { cursor: pointer; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace; }
footer { margin-top: 4rem; padding-top: 1.2rem; border-top: 1px solid var(--line); color: var(--faint); font-size: .85rem; }
)css";

}  // namespace xgrad::draw
