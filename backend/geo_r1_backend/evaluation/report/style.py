"""The page's style: light and dark, screen and paper, colours that colour-blind readers can tell apart (and dashes besides)."""

STYLE = """
:root { --ink: #17202a; --quiet: #5c6b7a; --paper: #fbfbf9; --panel: #ffffff; --line: #dfe3e8; --blue: #1f6feb; --teal: #0b8f6a;
  --orange: #d9730d; --truth: #00c878; --said: #ff3d8b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #93a1b0; --paper: #10151b; --panel: #171e26; --line: #2b3540;
  --blue: #58a6ff; --teal: #3fcf9f; --orange: #f0a04b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 16px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 12px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 0 0 8px; }
p { margin: 0 0 8px; }
.quiet, .range, .count { color: var(--quiet); font-weight: 400; font-size: 13px; }
h2 .quiet { margin-left: 8px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(210px, 45%), 1fr)); gap: 8px 24px; margin: 0; }
.facts dt { color: var(--quiet); font-size: 12px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 14px; margin: 26px 0 12px; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; display: flex; flex-direction: column; }
.tile .name { color: var(--quiet); font-size: 13px; line-height: 1.3; flex: 1; margin-bottom: 6px; }
.tile .number { font-size: 34px; line-height: 1.1; font-weight: 650; margin: 0; font-variant-numeric: tabular-nums; }
.tile .number span { font-size: 16px; font-weight: 400; color: var(--quiet); margin-left: 2px; }
.tile .range { margin: 2px 0 0; }
.remark { border-left: 4px solid var(--orange); background: var(--panel); padding: 8px 12px; border-radius: 0 6px 6px 0; }
.charts { display: grid; grid-template-columns: minmax(0, 1.5fr) minmax(0, 1fr); gap: 28px; align-items: start; }
@media (max-width: 860px) { .charts { grid-template-columns: 1fr; } }
svg.bars, svg.curves { width: 100%; height: auto; display: block; font-family: inherit; }
svg.curves { max-width: 520px; }
svg text { fill: var(--ink); font-size: 13px; }
svg .tick, svg .count, svg .axisname { fill: var(--quiet); font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; fill: none; }
svg .bar { fill: var(--blue); opacity: 0.8; }
svg .whisker { stroke: var(--ink); stroke-width: 1.4; fill: none; }
svg .curve { fill: none; stroke-width: 2.4; stroke-linejoin: round; }
svg .c0 { stroke: var(--blue); } svg .c1 { stroke: var(--orange); stroke-dasharray: 7 4; } svg .c2 { stroke: var(--teal); stroke-dasharray: 2 4; }
svg .dot { fill: var(--ink); }
.interval { display: block; } .interval .axis { stroke: var(--line); stroke-width: 2; } .interval .span { stroke: var(--blue); stroke-width: 4; opacity: 0.55; }
.interval .dot { fill: var(--blue); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
th, td { padding: 5px 12px; text-align: left; border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--quiet); font-size: 12px; vertical-align: bottom; }
td.number { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
thead th.right { text-align: right; }
td.range, td.count { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.count { text-align: right; }
details.more { margin-top: 10px; } details.more > summary { cursor: pointer; color: var(--quiet); margin-bottom: 8px; }
tr.ours th, tr.ours td { font-weight: 700; background: color-mix(in srgb, var(--blue) 10%, transparent); }
tbody tr:last-child > * { border-bottom: 0; }
.legend { display: flex; align-items: center; gap: 8px; color: var(--quiet); }
.swatch { width: 26px; height: 14px; border: 3px solid var(--truth); display: inline-block; }
.swatch.said { border: 3px dashed var(--said); margin-left: 14px; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 18px; align-items: start; }
.card { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; break-inside: avoid; }
.card figcaption { padding: 10px 14px 12px; font-size: 14px; }
.card .query { font-weight: 600; overflow-wrap: anywhere; line-height: 1.35; }
.card .verdict { margin-bottom: 6px; }
.card .kind { background: var(--line); border-radius: 4px; padding: 1px 7px; margin-right: 8px; font-size: 12px; }
.card details { font-size: 13px; } .card summary { cursor: pointer; color: var(--quiet); }
.card details p { white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0; }
.card .quiet { font-size: 12px; margin: 6px 0 0; overflow-wrap: anywhere; }
.picture { position: relative; background: #000; max-height: 420px; margin: 0 auto; }
.picture img, .picture svg { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.picture rect, .picture path { fill: none; vector-effect: non-scaling-stroke; }
.picture .casing { stroke: rgba(0, 0, 0, 0.75); stroke-width: 4.5; }
.picture .truth { stroke: var(--truth); stroke-width: 2.2; }
.picture .casing.under-said { stroke: rgba(255, 255, 255, 0.85); stroke-width: 4; }
.picture .said { stroke: var(--said); stroke-width: 2.6; stroke-dasharray: 7 4; }
.picture .said.filled { fill: rgba(255, 61, 139, 0.25); fill-rule: evenodd; }
/* two dozen planes under thick frames would be frames without planes */
.picture.many .casing, .picture.many .casing.under-said { stroke-width: 2; }
.picture.many .truth, .picture.many .said { stroke-width: 1.2; stroke-dasharray: none; }
.picture.many .said { stroke-dasharray: 3 2; }
footer { margin-top: 48px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--quiet); font-size: 13px; }
@media print { body { background: #fff; } main { max-width: none; padding: 0; } details { display: none; } }
"""
