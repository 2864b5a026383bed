"""After `make test-matrix`: how many promises were kept in each configuration."""

collect_ignore = ["core_lesson.py"]  # to be run, not to be looked through for examples


def pytest_terminal_summary(terminalreporter):
    rows = [
        (report.nodeid.partition("[")[2].rstrip("]"), kept)
        for report in terminalreporter.stats.get("passed", [])
        for name, kept in report.user_properties
        if name == "promises"
    ]
    if rows:
        terminalreporter.section("promises kept in each configuration")
    for row, kept in sorted(rows):
        terminalreporter.write_line(f"{row:<45}{kept}")
