"""One page of HTML that shows how a model did: nothing is loaded from anywhere, everything from outside is escaped."""
