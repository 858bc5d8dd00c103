"""Bars as SVG, readable on light and dark pages."""
import html

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
.title { font-weight: 600; font-size: 14px } .bar { fill: #8c959f } .ours { fill: #1a7f37 }
.range { stroke: #1f2328; stroke-width: 1.5 } .axis { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 } .bar { fill: #656c76 } .ours { fill: #3fb950 }
  .range { stroke: #f0f6fc } .axis { stroke: #3d444d } }
"""


def bars(title, unit, rows, note):
    """`rows`: (label, values of the rounds, whether it's ours). Bars are medians, lines smallest to largest.

    One that is far longer than the rest is cut, and says so by its figure."""
    import statistics
    left, width, line = 330, 430, 30
    medians = [statistics.median(values) for _, values, _ in rows]
    ordered = sorted(medians)
    longest = next((each for each in reversed(ordered[:-1]) if ordered[-1] > 3 * each), ordered[-1]) * 1.15
    height = 60 + line * len(rows) + 26
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 110}" height="{height}" '
             f'viewBox="0 0 {left + width + 110} {height}" '
             f'role="img" aria-label="{html.escape(title)}"><style>{STYLE}</style>',
             f'<text class="title" x="8" y="22">{html.escape(title)}</text>',
             f'<text class="small" x="8" y="40">{html.escape(unit)}</text>',
             f'<line class="axis" x1="{left}" y1="50" x2="{left}" y2="{50 + line * len(rows)}"/>']
    for index, ((label, values, is_ours), median) in enumerate(zip(rows, medians)):
        y = 54 + index * line
        scale = width / longest
        shown = min(median, longest) * scale
        cut = " →" if median > longest else ""
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{html.escape(label)}</text>')
        parts.append(f'<rect class="bar{" ours" if is_ours else ""}" x="{left}" y="{y + 2}" '
                     f'width="{shown:.1f}" height="18" rx="2"/>')
        if not cut:
            low, high = (left + min(each, longest) * scale for each in (min(values), max(values)))
            parts.append(f'<line class="range" x1="{low:.1f}" y1="{y + 11}" x2="{high:.1f}" y2="{y + 11}"/>')
            shown = max(shown, high - left)
        parts.append(f'<text x="{left + shown + 6:.1f}" y="{y + 15}">{median:,.1f}{cut}</text>')
    parts.append(f'<text class="small" x="8" y="{height - 10}">{html.escape(note)}</text></svg>')
    return "\n".join(parts) + "\n"
