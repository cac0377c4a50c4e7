"""Write the reference pages."""

from __future__ import annotations

from cli.reference.pages import ROOT, rendered


def main() -> None:
    """Write every page below the project's folder."""
    for name, text in rendered().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
