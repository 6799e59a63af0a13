"""Parts that all pages and tables share: terms in both languages, rating colours, tile map, fonts, SVG helpers."""
