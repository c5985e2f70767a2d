import asyncio

from t0.upstream.base import HttpRequest, HttpResponse, Url
from t0.upstream.proxy import ProxyRules
from t0.upstream.select import MAX_ORIGINS, Selector


class Named:
    def __init__(self, name):
        self.name, self.closed = name, False

    async def send(self, request):
        return HttpResponse(200, {}, self.name)

    async def stream(self, request):
        return self.name

    async def close(self):
        self.closed = True


def test_the_rules_decide_for_each_origin():
    native, proxied = Named("native"), Named("proxied")
    selector = Selector(native, proxied, ProxyRules({"https": "http://p"}, "near.test"))

    async def ways(url):
        request = HttpRequest("GET", Url.parse(url), (), b"")
        return (await selector.send(request)).body, await selector.stream(request)

    async def main():
        for _ in range(2):
            assert await ways("https://far.test/") == ("proxied", "proxied")
            assert await ways("https://near.test/") == ("native", "native")
            assert await ways("http://far.test/") == ("native", "native")
        await selector.close()

    asyncio.run(main())
    assert native.closed
    assert proxied.closed


def test_what_is_remembered_is_bounded():
    selector = Selector(Named("native"), Named("proxied"), ProxyRules({"https": "http://p"}))

    async def main():
        for number in range(MAX_ORIGINS + 10):
            response = await selector.send(HttpRequest("GET", Url.parse(f"https://h{number}.test/"), (), b""))
            assert response.body == "proxied"

    asyncio.run(main())
    assert len(selector._proxied_origins) == 10
