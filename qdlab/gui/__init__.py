"""The lab window: draws what the live folds say and sends what a person asks; owns no instrument."""
