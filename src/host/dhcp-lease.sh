#!/bin/sh
# What udhcpc learned, as one line; the router does the rest.
printf "lease %s ip=%s mask=%s router=%s dns=%s\n" "$1" "$ip" "$subnet" "$router" "$dns"
