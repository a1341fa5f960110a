"""The table and the picture of docs/bench.md, made from the figures of docs/bench.json."""

from typing import Any

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
SHARES = "Time of the server under 64 connections, in percent of a second (two threads at once can give more than 100):"
Rows = list[tuple[str, str, str]]


def rewritten(page: str, results: dict[str, Any]) -> str:
    """The page with what stands between its two marks made anew; all else stays as it is."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables(results)}\n{END}{after}"


def tables(results: dict[str, Any]) -> str:
    """All tables, in Markdown."""
    figures, machine = results["figures"], results["machine"]
    servers = figures["bookings"]["servers"]
    by_connections = [
        [name] + [_rate(counts.get(count)) for count in servers["agenda"]] for name, counts in servers.items()
    ]
    latency = [
        [count, *(f"{run[share]:.1f}" for share in ("p50", "p95", "p99"))] for count, run in servers["agenda"].items()
    ]
    shares = [[name, f"{percent} %"] for name, percent in figures["shares"]["parts"].items()]
    threads = [[name, f"{used:.0f}"] for name, used in figures["shares"]["microseconds"].items()]
    return "\n\n".join([
        _sentence(machine, figures),
        _table(["promise", "aim", "reached"], [list(row) for row in promises(figures)]),
        "Acknowledged bookings a second, by connections:",
        _table(["server", *servers["agenda"]], by_connections),
        "![Acknowledged bookings a second](bench.svg)",
        "Latency of ours, in milliseconds, by connections:",
        _table(["connections", "p50", "p95", "p99"], latency),
        SHARES,
        _table(["part", "share"], shares),
        "Processor time of a booking, by thread, in microseconds:",
        _table(["thread", "microseconds"], threads),
        *_of_nodes(figures),
    ])  # fmt: skip


def _of_nodes(figures: dict[str, Any]) -> list[str]:
    """Several servers on one PostgreSQL; nothing where that is not installed."""
    nodes, feed = figures.get("nodes"), figures.get("feed")
    if not nodes or not feed:
        return []
    free, few = nodes["free slots"], nodes["ten slots"]
    peers = {name: run["per_second"] for name, run in nodes.items() if name.startswith("pgbench")}
    rows = [
        ("bookings of free slots", "", f"{free['per_second']:,.0f}/s"),
        *(
            (f"against {name} ({rate:,.0f}/s)", "1.5 x", f"{free['per_second'] / rate:.2f} x")
            for name, rate in peers.items()
        ),
        ("all race for ten slots: answers", "half as many", f"{few['per_second']:,.0f}/s, {_ratio(few, free)} x"),
        (
            "its p99 against its p50",
            "10 x",
            f"{few['p99']:.0f} against {few['p50']:.0f} ms, {few['p99'] / few['p50']:.1f} x",
        ),
        ("the longest of all answers", "below 1 s", f"{max(free['longest'], few['longest']):.0f} ms"),
    ]
    told, silent = feed["news, called"], feed["news, never called"]
    news = [
        ("news of another node, called", f"{told['p50']:.0f} ms, {told['p99']:.0f} ms"),
        ("the same, when every call is lost", f"{silent['p50']:.0f} ms, {silent['p99']:.0f} ms"),
    ]
    return [
        "Three servers on one PostgreSQL, with it and the load on the same cores, 64 connections:",
        _table(["promise", "aim", "reached"], [list(row) for row in rows]),
        "How long a booking at one server takes to reach who watches at another:",
        _table(["", "p50, p99"], [list(row) for row in news]),
    ]


def _ratio(one: dict[str, Any], other: dict[str, Any]) -> str:
    return f"{one['per_second'] / other['per_second']:.1f}"


def promises(figures: dict[str, Any]) -> Rows:
    """What was aimed at and what was reached."""
    servers = figures["bookings"]["servers"]
    ours, book = servers["agenda"]["64"], servers["textbook"]["64"]
    rate = ours["per_second"]
    lists, watching, start = figures["slot_list"], figures["watching"], figures["start"]
    full, empty = lists["full"]["per_second"], lists["empty"]["per_second"]
    return [
        ("durable bookings, 64 connections", "15,000/s", f"{rate:,.0f}/s"),
        *_against_pgbench(rate, servers),
        ("against the textbook server", "2 x", f"{rate / book['per_second']:.2f} x"),
        ("p99 of a booking, 64 connections", "15 ms", f"{ours['p99']:.1f} ms"),
        ("everybody asks for one slot: answers, winners", "1 winner", _race(figures["one_slot"])),
        ("bookings on one resource with its whole history", "", f"{figures['one_resource']['per_second']:,.0f}/s"),
        ("a day's slots, 64 connections", "10,000/s", f"{empty:,.0f}/s"),
        ("the same with very many bookings stored", "within 1.3 x", f"{full:,.0f}/s, {empty / full:.2f} x"),
        (f"memory with {watching['connections']:,} watchers", "600 MB", f"{watching['megabytes']:,} MB"),
        (f"{watching['watching_one_day']:,} watchers have a change", "250 ms", f"{watching['all_have_it']:.0f} ms"),
        ("server ready with very many bookings", "1 s", f"{start['ready']:.2f} s"),
        ("server gone although a client stays connected", "3 s", f"{start['gone']:.2f} s"),
        ("`agenda --help`", "0.4 s", f"{start['help']:.2f} s"),
        ("first picture of the desktop", "1 s", f"{start['paint']:.2f} s" if start["paint"] else "no display here"),
        ("the load generator by itself", "", f"{figures['generator']['per_second']:,.0f}/s"),
    ]


def _against_pgbench(rate: float, servers: dict[str, Any]) -> Rows:
    return [
        (f"against pgbench writing the same rows ({name})", "1.5 x", f"{rate / by['64']['per_second']:.2f} x")
        for name, by in servers.items()
        if name.startswith("PostgreSQL")
    ]


def _race(run: dict[str, Any]) -> str:
    return f"{run['answers_per_second']:,.0f}/s, {run['winners']}"


def _rate(run: dict[str, Any] | None) -> str:
    return f"{run['per_second']:,.0f}" if run else ""


def _sentence(machine: dict[str, Any], figures: dict[str, Any]) -> str:
    version = figures["bookings"]["postgresql"] or "none"
    return (
        f"Measured on {machine['day']}: {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}, SQLite {machine['sqlite']}, PostgreSQL {version}."
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def picture(results: dict[str, Any]) -> str:
    """Bookings a second by server and number of connections, as SVG; a line goes from slowest to fastest round."""
    servers: dict[str, dict[str, dict[str, Any]]] = results["figures"]["bookings"]["servers"]
    most = max(max(run["rounds"]) for by in servers.values() for run in by.values())
    scale, y, parts = 520 / most, 28, []
    for count in servers["agenda"]:
        parts.append(_text(10, y + 4, f"{count} connection{'s' if count != '1' else ''}", "bold"))
        y += 14
        for name, by in servers.items():
            run = by[count]
            width, low, high = (value * scale for value in (run["per_second"], min(run["rounds"]), max(run["rounds"])))
            parts += [
                _text(10, y + 12, name),
                f'<rect x="200" y="{y}" width="{width:.0f}" height="15" rx="2" fill="{_colour(name)}"/>',
                f'<path d="M{200 + low:.0f} {y + 7.5}H{200 + high:.0f}" stroke="#555" stroke-width="1.5"/>',
                _text(206 + max(width, high), y + 12, f"{run['per_second']:,.0f}/s"),
            ]
            y += 19
        y += 16
    style = 'font-family="Inter, Helvetica, Arial, sans-serif" font-size="12" fill="#333"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{y}" viewBox="0 0 800 {y}" {style}>'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])


def _colour(name: str) -> str:
    return {"agenda": "#2f6fde", "textbook": "#9aa5b1"}.get(name, "#c58a3d")


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-weight="{weight}">{text}</text>'
