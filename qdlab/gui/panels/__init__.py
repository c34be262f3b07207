"""One dock each: a widget that draws one frozen screen."""
