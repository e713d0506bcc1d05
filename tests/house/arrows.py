"""Holds the tree against the block of arrows in docs/architecture.md.

Usage: arrows.py ROOT. Prints one line for each offence and ends with status 1 if there was one. A line of the block reads
`folder -> folder folder …`. For each folder there:

- an #include "x/y.hpp" in it names a file of its own folder or of one that it points to;
- the fairlead:: targets behind LINKS and PRIVATE of its CMakeLists.txt are those that it points to, no more and no fewer
  (a folder whose CMakeLists.txt makes no library, as for headers alone, has nothing to compare);
and the arrows make no circle, and no folder with C++ is left out.
"""

import pathlib
import re
import sys

NOT_PRODUCT = ("build", "tests", "third_party")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
TARGET = re.compile(r"fairlead_library\(\s*([\w-]+)([^)]*)\)")
EXECUTABLE = re.compile(r"target_link_libraries\(\s*[\w-]+\s+PRIVATE([^)]*)\)")
ALIAS = re.compile(r"add_library\(fairlead::([\w-]+) ALIAS")


def read_arrows(text):
    block = re.search(r"^```arrows\n(.*?)^```", text, re.M | re.S)
    if not block:
        sys.exit("docs/architecture.md: no block ```arrows")
    arrows = {}
    for line in block.group(1).splitlines():
        folder, arrow, targets = line.partition("->")
        if not arrow:
            sys.exit(f"docs/architecture.md: not an arrow: {line}")
        arrows[folder.strip()] = set(targets.split())
    return arrows


def find_circle(arrows):
    """A list of folders that begins and ends with the same one, or None."""

    def visit(folder, path):
        if folder in path:
            return path[path.index(folder):] + [folder]
        for target in sorted(arrows.get(folder, ())):
            if circle := visit(target, path + [folder]):
                return circle
        return None

    for folder in sorted(arrows):
        if circle := visit(folder, []):
            return circle
    return None


def home_of(path, arrows):
    """The longest folder of the arrows that holds `path`, or None."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in arrows:
            return "/".join(parts)
        parts.pop()
    return None


def include_offences(root, arrows):
    for file in sorted([*root.rglob("*.cpp"), *root.rglob("*.hpp"), *root.rglob("*.h")]):
        path = file.relative_to(root).as_posix()
        if path.split("/")[0] in NOT_PRODUCT:
            continue
        home = home_of(path, arrows)
        if home is None:
            yield f"{path}: its folder has no line in docs/architecture.md"
            continue
        for included in INCLUDE.findall(file.read_text(errors="replace")):
            target = home_of(included, arrows)
            # Generated headers and those of a folder beside the sources have no home among the folders.
            if target is None or target == home or target in arrows[home]:
                continue
            yield f'{path}: includes "{included}", but {home} does not point to {target}'


def folders_of_targets(root):
    targets = {}
    for file in root.rglob("CMakeLists.txt"):
        folder = file.parent.relative_to(root).as_posix()
        text = file.read_text()
        for name in [match[0] for match in TARGET.findall(text)] + ALIAS.findall(text):
            targets[name] = folder
    return targets


def link_offences(root, arrows):
    targets = folders_of_targets(root)
    for folder, allowed in sorted(arrows.items()):
        file = root / folder / "CMakeLists.txt"
        text = file.read_text() if file.exists() else ""
        lists = [match[1] for match in TARGET.findall(text)] + EXECUTABLE.findall(text)
        if not lists:
            continue
        linked = set()
        for name in re.findall(r"fairlead::([\w-]+)", " ".join(lists)):
            if name not in targets:
                yield f"{folder}/CMakeLists.txt: no folder makes fairlead::{name}"
            elif targets[name] != folder:
                linked.add(targets[name])
        # What has no library of its own (headers alone) cannot be linked.
        linkable = {target for target in allowed if target in targets.values()}
        for extra in sorted(linked - allowed):
            yield f"{folder}/CMakeLists.txt: links {extra}, but {folder} does not point to it"
        for missing in sorted(linkable - linked):
            yield f"{folder}/CMakeLists.txt: does not link {missing}, although {folder} points to it"


def main():
    root = pathlib.Path(sys.argv[1])
    arrows = read_arrows((root / "docs/architecture.md").read_text())
    offences = [*include_offences(root, arrows), *link_offences(root, arrows)]
    for folder, targets in arrows.items():
        offences += [f"docs/architecture.md: {folder} points to {target}, which has no line"
                     for target in sorted(targets - set(arrows))]
    if circle := find_circle(arrows):
        offences.append("docs/architecture.md: a circle: " + " -> ".join(circle))
    print("\n".join(offences), end="\n" if offences else "")
    sys.exit(1 if offences else 0)


main()
