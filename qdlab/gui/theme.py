"""Fusion in our own light and dark palettes, and the few colours that carry a meaning."""

from dataclasses import dataclass

import pyqtgraph
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of the window; every meaning is also said in a word, never by colour alone."""

    name: str
    window: str
    base: str
    text: str
    muted: str
    line: str
    accent: str
    simulation: str
    replay: str
    hardware: str
    good: str
    active: str
    alarm: str
    emergency: str
    series: tuple[str, ...]


# begun from Okabe and Ito's palette, and moved until the colour-blind too tell any two of a kind apart
LIGHT = Theme(
    name="light",
    window="#f4f5f7",
    base="#ffffff",
    text="#1b1f24",
    muted="#5d6673",
    line="#c9ced6",
    accent="#0b62a4",
    simulation="#1c76c0",
    replay="#4a1585",
    hardware="#3c4654",
    good="#237a4c",
    active="#ad5700",
    alarm="#a10020",
    emergency="#c4161c",
    series=("#0069ab", "#c26630", "#0fa862", "#9b638f", "#c08b06", "#068ef1", "#6c5f47", "#323e5c"),
)
DARK = Theme(
    name="dark",
    window="#1d2126",
    base="#14171b",
    text="#e6e9ed",
    muted="#9aa4b1",
    line="#3a424d",
    accent="#56b4e9",
    simulation="#3f8fd2",
    replay="#d9c2ff",
    hardware="#8d99a8",
    good="#3fcf97",
    active="#ffb728",
    alarm="#f4595e",
    emergency="#d42a30",
    series=("#89b3ff", "#fa9c4e", "#75ffb6", "#d49bbf", "#fee839", "#4c6cb8", "#976409", "#e8fcfe"),
)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on this colour: by its luminance (WCAG 2.1)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    )
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


def series_colour(index: int, theme: Theme) -> str:
    """Colour of the n-th curve of a plot."""
    return theme.series[index % len(theme.series)]


def temperature_colour(temperature: float, low: float, high: float, theme: Theme) -> str:
    """Violet when cold, yellow when warm, told apart by the colour-blind and from the `base`."""
    share = 1.0 if high <= low else (temperature - low) / (high - low)
    first, last = (0.0, 0.8) if theme.name == "light" else (0.3, 1.0)
    colour = pyqtgraph.colormap.get("plasma").map(first + (last - first) * share, mode="qcolor")
    return str(colour.name())


APPLIED = "theme applied"


def apply(application: QApplication, theme: Theme) -> None:
    """Set style, palette and plot colours for the whole application."""
    if application.property(APPLIED) == theme.name:
        # once more would draw up every widget of every window anew
        return
    application.setProperty(APPLIED, theme.name)
    application.setStyle("Fusion")
    palette = QPalette()
    role = QPalette.ColorRole
    for name, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.base),
        (role.AlternateBase, theme.window),
        (role.Text, theme.text),
        (role.Button, theme.window),
        (role.ButtonText, theme.text),
        (role.ToolTipBase, theme.base),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.base),
        (role.Link, theme.accent),
    ):
        palette.setColor(name, QColor(colour))
    for name in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.muted))
    application.setPalette(palette)
    # Fusion draws the edge of a box or field darker than the window, which a dark one swallows
    empty = f"{{ border: 1px solid {theme.muted}; border-radius: 2px; background: {theme.base}; }}"
    application.setStyleSheet(
        f"QCheckBox::indicator:unchecked, QListView::indicator:unchecked {empty}"
        f"QLineEdit {{ border: 1px solid {theme.muted}; border-radius: 2px; padding: 2px; }}"
        f"QLineEdit:focus {{ border-color: {theme.accent}; }}"
        "QComboBox QLineEdit, QAbstractSpinBox QLineEdit { border: none; padding: 0; }"
    )
    pyqtgraph.setConfigOptions(background=theme.base, foreground=theme.text, antialias=True)
