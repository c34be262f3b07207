"""Speak to one box each: drivers, the link below them and the door that guards what they may say."""
