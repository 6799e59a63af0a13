"""What is asked, and what the answer looks like."""

INTERRUPTED = "interrupted; what was finished is kept, and `tanlu runs resume` goes on where a run stopped"
