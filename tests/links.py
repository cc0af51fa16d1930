#!/usr/bin/env python3
"""Checks every link of README.md, CONTRIBUTING.md and the pages in docs/: what it leads to is there, and has the heading it names. Pages
that no links lead to from the guide's table of contents, docs/README.md, are named, which is no failure.

usage: links.py
The last line is "N passed, N failed"."""
import pathlib
import re
import sys
import urllib.parse

LINK = re.compile(r"!?\[(?:[^][]|\[[^]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|<(?:img|a|source)\b[^>]*\b(?:src|href|srcset)=\"([^\"]+)\"")
NAMED = re.compile(r"^\[[^]]+\]:\s*(\S+)", re.M)

root = pathlib.Path(__file__).resolve().parent.parent
pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]


def prose(page):
    """A page without its code."""
    text = re.sub(r"^( *)(```|~~~).*?^\1\2", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", lambda code: "" if "](" in code.group() else code.group(), text)


def slugs(page):
    """The names of a page's headings, as GitHub makes them, one after the other."""
    seen, result = {}, []
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", prose(page), re.M):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        result.append(f"{slug}-{seen[slug]}" if slug in seen else slug)
        seen[slug] = seen.get(slug, 0) + 1
    return result


def anchors(page):
    return {*slugs(page), *re.findall(r"\b(?:id|name)=\"([^\"]+)\"", prose(page))}


def main():
    problems, checked, leads_to = [], 0, {}
    for page in pages:
        text = prose(page)
        for found in [*(a or b for a, b in LINK.findall(text)), *NAMED.findall(text)]:
            if re.match(r"[a-z]+:", found):
                if not re.match(r"(https://[\w.-]+\.[a-z]+(/|$)|mailto:)", found):
                    problems.append(f"{page.relative_to(root)}: {found} is no address that anybody can follow")
                checked += 1
                continue
            path, _, anchor = urllib.parse.unquote(found).partition("#")
            target = (page.parent / path).resolve() if path else page
            checked += 1
            if not target.is_relative_to(root) or not target.exists():
                problems.append(f"{page.relative_to(root)}: {found} leads nowhere")
                continue
            leads_to.setdefault(page, set()).add(target / "README.md" if target.is_dir() else target)
            if anchor and target.suffix == ".md" and anchor not in anchors(target):
                problems.append(f"{page.relative_to(root)}: {found}: {target.name} has no heading of that name, but {', '.join(sorted(anchors(target)))}")

    reached, todo = set(), [root / "docs" / "README.md"]
    while todo:
        if (page := todo.pop()) not in reached:
            reached.add(page)
            todo += leads_to.get(page, ())
    for page in pages:
        if page not in reached:
            print(f"{page.relative_to(root)}: no link leads here from docs/README.md")

    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{checked - len(problems)} passed, {len(problems)} failed")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
