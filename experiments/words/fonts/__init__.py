"""The shipped font: a subset of Noto Sans CJK SC under the SIL Open Font License (OFL.txt)."""
