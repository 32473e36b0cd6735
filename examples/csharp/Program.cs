// Posts a payment through the egress with HttpClient, and says what became of it.
//
//   dotnet run -- http://127.0.0.1:8080/acme IDEMPOTENCY_KEY < payment.json
using System.Text;

using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(35) }; // longer than the egress's own deadline
using var request = new HttpRequestMessage(HttpMethod.Post, $"{args[0]}/v1/payments")
{
    Content = new StringContent(await Console.In.ReadToEndAsync(), Encoding.UTF8, "application/json"),
};
request.Headers.Add("Idempotency-Key", args[1]);

using HttpResponseMessage answer = await http.SendAsync(request);
// answered: the provider decided, whatever the status. not_sent: safe to send again. unknown: look it up,
// or send it again with the same key. If SendAsync itself throws, the outcome is unknown too.
string outcome = answer.Headers.GetValues("Countersign-Outcome").Single();
Console.WriteLine($"{outcome} {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
return outcome == "answered" ? 0 : 1;
