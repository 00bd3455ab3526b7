#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what no compiler sees: licence lines, header form, file length, include direction, words that don't belong.

Use: scripts/check_files.py [ROOT]
Prints one line for each finding, "file:line: what", and exits with 1 where there is any.
"""
import pathlib
import re
import subprocess
import sys

ADVISED_LINES = 300
MOST_LINES = 450

SOURCES = {".cpp", ".hpp", ".py"}
TEXT = SOURCES | {".txt", ".cmake", ".in", ".md", ".json", ".sh", ".yml", ".yaml", ""}

# Folder -> includes that may not stand in it, and why.
CORE = "core is the standard library and Highway alone"
FORBIDDEN_INCLUDES = [
    ("core/", r"starflow/(sdk|graph)/", "includes go core <- plugin <- graphs"),
    ("core/", r"opencv|tbb/|oneapi/|nlohmann/|fmt/|spdlog/|CLI/|fitsio", CORE),
    ("plugin/", r"starflow/graph/", "includes go core <- plugin <- graphs"),
    ("plugin/", r"tbb/|oneapi/", "a plugin never uses TBB: parallel loops go through the context"),
    ("plugin/", r"spdlog/|CLI/", "libraries print nothing: they log through the context"),
    ("plugin/include/", r"nlohmann/", "only JSON text crosses the plugin border"),
    ("graphs/include/", r"nlohmann/|tbb/|oneapi/", "public headers stay free of JSON and TBB, which take seconds to parse"),
    ("", r"\.\./", "include by the public name, not by a relative path"),
]
# Its nodes are TBB's own: who includes it has that header already.
MAY_INCLUDE = {("graphs/include/starflow/graph/tbb_nodes.hpp", "oneapi/tbb/flow_graph.h")}
FITSIO_IN_HEADER = re.compile(r'^\s*#\s*include\s*[<"]fitsio')

FORBIDDEN_TEXT = [
    (re.compile(r"(?<![\w.~$}])/(work|shared|home|root|Users)/"), "names a path of one machine"),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "leaves work behind: finish it or leave it out"),
    (re.compile(r"[ \t]+$"), "ends in blanks"),
    (re.compile(r"^\t"), "is indented by a tab"),
    (re.compile(r"^(<{7}|>{7}|={7})( |$)"), "is a merge conflict"),
]


def tracked_files(root):
    """Files that belong to the repository; all but build results where git is absent or refuses."""
    listing = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False) if git_knows(root) else None
    if listing is not None and listing.returncode == 0:
        names = [pathlib.Path(n) for n in listing.stdout.decode().split("\0") if n]
    else:
        names = [p.relative_to(root) for p in sorted(root.rglob("*")) if p.is_file()]
        names = [n for n in names if not re.match(r"(\.git|build[^/]*|results)/", n.as_posix())]
    return [n for n in names if (root / n).is_file()]


def git_knows(root):
    try:
        top = subprocess.run(["git", "-C", root, "rev-parse", "--show-toplevel"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return top.returncode == 0 and pathlib.Path(top.stdout.decode().strip()).resolve() == root


def check_licence(lines, findings):
    if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
        findings.append((1, "has no line 'SPDX-License-Identifier: MIT' at its top"))


def check_header(lines, findings):
    if len(lines) < 2 or lines[1] != "#pragma once":
        findings.append((2, "is a header whose second line is not '#pragma once'"))
    if not any(line.startswith("/// \\file") for line in lines[:6]):
        findings.append((3, "is a header without a '/// \\file' sentence"))
    findings += [(n, "includes CFITSIO in a header; it belongs in .cpp files alone")
                 for n, line in enumerate(lines, 1) if FITSIO_IN_HEADER.match(line)]


def check_length(name, lines, findings):
    if len(lines) > MOST_LINES:
        findings.append((MOST_LINES, f"has {len(lines)} lines, at most {MOST_LINES}: a file holds one idea"))
    elif len(lines) > ADVISED_LINES:
        print(f"note: {name} has {len(lines)} lines; better {ADVISED_LINES}")


def check_includes(name, lines, findings):
    for n, line in enumerate(lines, 1):
        include = re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line)
        if not include:
            continue
        for folder, pattern, why in FORBIDDEN_INCLUDES:
            if name.startswith(folder) and re.match(pattern, include[1]) and (name, include[1]) not in MAY_INCLUDE:
                findings.append((n, f"includes {include[1]}: {why}"))


def check_text(lines, findings):
    for n, line in enumerate(lines, 1):
        findings += [(n, why) for pattern, why in FORBIDDEN_TEXT if pattern.search(line)]


def check_file(root, path):
    """Findings of one file, as (line, what)."""
    name = path.as_posix()
    findings = []
    if path.suffix not in TEXT:
        return findings
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return findings if path.suffix == "" else [(1, "is not UTF-8")]
    lines = text.split("\n")
    if text and lines.pop() != "":
        findings.append((len(lines) + 1, "does not end with a newline"))
    if path.suffix in SOURCES | {".sh", ".cmake"} or text.startswith("#!"):
        shebang = 1 if text.startswith("#!") else 0
        check_licence(lines[shebang:], findings)
    if path.suffix in SOURCES:
        if not name.endswith("-inl.hpp"):
            check_length(name, lines, findings)
        check_includes(name, lines, findings)
    if path.suffix == ".hpp" and not name.endswith("-inl.hpp"):
        check_header(lines, findings)
    # This script spells the words that it looks for.
    if path.name not in ("check_files.py", "check_files_test.py"):
        check_text(lines, findings)
    return findings


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent).resolve()
    files = tracked_files(root)
    if not files:
        print(f"{root}: no files to check")
        return 1
    count = 0
    for path in files:
        for line, what in check_file(root, path):
            print(f"{path.as_posix()}:{line}: {what}")
            count += 1
    if count:
        print(f"{count} findings in {len(files)} files")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
