"""Asks moto's server as the AWS command line asks Route 53.

route53.py PORT create ZONE         makes a hosted zone, and prints its ID
route53.py PORT list ID             prints what `aws route53 list-resource-record-sets` does
route53.py PORT apply ID FILE       sends each line of the file as a change batch; prints a list, on one line, after each
"""
import json
import sys

import boto3

port, verb, name, *rest = sys.argv[1:]
client = boto3.client(
    "route53", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test")


def record_sets():
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=name)
    sets = [each for page in pages for each in page["ResourceRecordSets"]]
    # Route 53 writes an asterisk so, and moto as it was given.
    return {"ResourceRecordSets": [{**each, "Name": each["Name"].replace("*", "\\052")} for each in sets]}


if verb == "create":
    zone = client.create_hosted_zone(Name=name, CallerReference="once")["HostedZone"]
    print(zone["Id"].removeprefix("/hostedzone/"))
elif verb == "list":
    print(json.dumps(record_sets(), indent=4))
else:
    for line in open(rest[0]):
        client.change_resource_record_sets(HostedZoneId=name, ChangeBatch=json.loads(line))
        print(json.dumps(record_sets()))
