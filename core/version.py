"""The version of asd, as events and reports name it."""

VERSION = "0.1.0"
