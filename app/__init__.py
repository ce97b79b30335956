"""Shows, asks, delegates; decides nothing about networks or LLMs."""
