"""Query parameters: what a route takes is what the API's description says."""

from fastapi.routing import APIRoute

from gateway.app import MODULES, openapi
from gateway.routes.parameters import parameters_of


def test_every_route_takes_the_query_parameters_that_are_described():
    paths = openapi()["paths"]
    compared = 0
    for route in (route for module in MODULES for route in module.router.routes):
        assert isinstance(route, APIRoute)
        for method in route.methods:
            described = paths[route.path_format][method.lower()].get("parameters", ())
            named = sorted(one["name"] for one in described if one["in"] == "query")
            assert list(parameters_of(route)) == named, route.path
            compared += bool(named)
    assert compared > 10
