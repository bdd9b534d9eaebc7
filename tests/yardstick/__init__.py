"""One suite of kills, crashes and losses for outlive and for what others use: ``make yardstick``."""
