"""The timeline of a rehearsal as SVG, readable on light and dark pages: who answered, and which way visitors came, each second."""
import collections
import html

from addresses import CLOUD, NEW_BALANCER, OLD_BALANCER

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 10.5px; fill: #59636e }
.title { font-weight: 600; font-size: 14px } .axis { stroke: #d1d9e0 } .mark { stroke: #8c959f; stroke-width: 0.75; fill: none }
.step { fill: #818b98; fill-opacity: 0.1 } .japan { fill: #0969da } .aws { fill: #1a7f37 } .held { fill: #d4a72c }
.failed { fill: #cf222e } .old { fill: #8c959f } .new { fill: #8250df } .cloud { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .small { fill: #9198a1 } .axis { stroke: #3d444d } .mark { stroke: #656c76 }
  .japan { fill: #4493f8 } .aws { fill: #3fb950 } .held { fill: #e3b341 } .failed { fill: #f85149 }
  .old { fill: #656c76 } .new { fill: #ab7df8 } .cloud { fill: #3fb950 } }
"""
WIDTH, LEFT, RIGHT = 960, 44, 8
# Of the panels, and of what is written below them.
ANSWERED, WAYS, MARKS = 150, 70, 185
# Of a line of rotated text.
LINE = 11

SIDES = {"japan": "japan", "aws": "aws", "held": "writes held back, and sent again", "failed": "failed or wrong side"}
ENTRANCES = {"old": "old balancer", "new": "new balancer, by the wildcard", "cloud": "new balancer, by a record of their own"}
ENTRANCE_OF = {OLD_BALANCER: "old", NEW_BALANCER: "new", CLOUD: "cloud"}


def kind(verdict, side):
    return side if verdict == "served" else "held" if verdict == "held" else "failed"


def panel(parts, top, height, counts, legend, title, seconds, x):
    """Columns of a second each, the kinds on top of one another in the legend's order."""
    most = max((sum(each.values()) for each in counts.values()), default=1) or 1
    at = LEFT
    parts.append(f'<text class="small" x="{at}" y="{top - 8}">{html.escape(title)}</text>')
    at += 8 + 6.1 * len(title)
    for name, words in legend.items():
        parts.append(f'<rect class="{name}" x="{at:.0f}" y="{top - 16}" width="9" height="9" rx="2"/>'
                     f'<text class="small" x="{at + 13:.0f}" y="{top - 8}">{html.escape(words)}</text>')
        at += 30 + 6.1 * len(words)
    for name in legend:
        path = []
        for second in range(seconds):
            below = sum(counts[second][other] for other in list(legend)[:list(legend).index(name)])
            if count := counts[second][name]:
                # What is to be seen is seen, be it one of hundreds.
                tall = max(height * count / most, 2 if name == "failed" else 0)
                path.append(f"M{x(second):.1f} {top + height - height * below / most:.1f}v{-tall:.1f}"
                            f"h{x(1) - x(0) - 0.4:.1f}v{tall:.1f}z")
        if path:
            parts.append(f'<path class="{name}" d="{"".join(path)}"/>')
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{top + height}" x2="{WIDTH - RIGHT}" y2="{top + height}"/>'
                 f'<text class="small" x="{LEFT - 6}" y="{top + 9}" text-anchor="end">{most}</text>'
                 f'<text class="small" x="{LEFT - 6}" y="{top + height}" text-anchor="end">0</text>')


def draw(judge):
    """- Returns: the picture's text."""
    start = judge.began
    seconds = int(max((each.ended for each in judge.web), default=start + 1) - start) + 1
    sides, ways = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for record, (begun, _, verdict, side) in zip(judge.web, judge.verdicts):
        sides[int(begun - start)][kind(verdict, side)] += 1
        ways[int(begun - start)][ENTRANCE_OF[record.address]] += 1

    def x(second):
        return LEFT + (WIDTH - LEFT - RIGHT) * second / seconds
    first_top = 106
    second_top = first_top + ANSWERED + 36
    bottom = second_top + WAYS
    height = bottom + 26 + MARKS
    figures = judge.summary()
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
             f'aria-label="The whole move, second by second: {html.escape(figures)}"><style>{STYLE}</style>',
             f'<text class="title" x="8" y="20">The whole move, second by second</text>'
             f'<text class="small" x="8" y="37">{html.escape(figures)}</text>']
    for number, (title, begun, ended) in enumerate(judge.chronicle.steps):
        left, right = x(max(begun - start, 0)), x(min(ended - start, seconds))
        if number % 2 == 0:
            parts.append(f'<rect class="step" x="{left:.1f}" y="46" width="{right - left:.1f}" height="{bottom - 46}"/>')
        # One above the other in turn: a short step has no room for its name.
        parts.append(f'<text x="{left + 4:.1f}" y="{60 + 15 * (number % 2)}">{html.escape(title)}</text>')
    panel(parts, first_top, ANSWERED, sides, SIDES, "requests a second, by who answered:", seconds, x)
    panel(parts, second_top, WAYS, ways, ENTRANCES, "the same, by the address that DNS gave:", seconds, x)
    for second in range(0, seconds, 10):
        parts.append(f'<text class="small" x="{x(second):.1f}" y="{bottom + 14}" text-anchor="middle">{second} s</text>')
    place = 0
    for moment, words in judge.chronicle.marks:
        at = x(moment - start)
        place = max(at, place + LINE)
        parts.append(f'<path class="mark" d="M{at:.1f} {first_top}V{bottom}m0 18L{place:.1f} {bottom + 28}"/>'
                     f'<text class="small" transform="translate({place + 3:.1f} {bottom + 32}) rotate(90)" '
                     f'dy="0.6em">{html.escape(words)}</text>')
    return "\n".join(parts) + "\n</svg>\n"
