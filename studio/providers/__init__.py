"""Paid providers: what every studio needs to buy from one, once.

    call      one call as data, and what its reply means
    buying    the way of a call: remember, wait for a turn, send, remember
    purchases the memory of it, in the service's own database
    turns     rate limits shared by all replicas; breaker: a provider that fails is left alone
    prices    what a call costs; limits: what a provider takes: dated data with sources
    accounts  keys and addresses, from the settings
    <name>.py one provider's protocol: its headers, its errors, how its replies are read

Which operation becomes which call is each studio's (services/*/providers).
"""
