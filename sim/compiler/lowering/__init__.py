"""From PySD's syntax trees to the intermediate form."""
