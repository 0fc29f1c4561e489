<?php
// A client of the REST API of a few lines, as programs have it: curl, the token in the address, JSON by json_encode.
// It makes the calls that it reads, a JSON array, and writes what was answered, in the same order.

class Client
{
    private $root;
    private $token;

    public function __construct($root, $token)
    {
        $this->root = $root;
        $this->token = $token;
    }

    public function post($path, array $fields)
    {
        return $this->send($path, json_encode($fields), "content-type: application/json");
    }

    public function text($path, $body, $type)
    {
        return $this->send($path, $body, "Content-Type: $type");
    }

    public function form($path, array $fields)
    {
        // Without a type of its own: curl says application/x-www-form-urlencoded of a text.
        return $this->send($path, http_build_query($fields), null);
    }

    public function get($path, array $parameters)
    {
        $parameters["access_token"] = $this->token;
        return $this->ask(curl_init("$this->root/$path?" . http_build_query($parameters)));
    }

    private function send($path, $body, $field)
    {
        $curl = curl_init("$this->root/$path?access_token=" . urlencode($this->token));
        curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
        if ($field !== null) curl_setopt($curl, CURLOPT_HTTPHEADER, array($field));
        return $this->ask($curl);
    }

    private function ask($curl)
    {
        curl_setopt_array($curl, array(
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_FOLLOWLOCATION => true,
            CURLOPT_MAXREDIRS => 10,
            CURLOPT_TIMEOUT => 30,
            CURLOPT_CAINFO => getenv("TRUSTED"),
        ));
        $result = curl_exec($curl);
        if ($result === false) {
            fwrite(STDERR, curl_error($curl));
            exit(1);
        }
        $type = curl_getinfo($curl, CURLINFO_CONTENT_TYPE);
        if ($type == "application/json") $result = json_decode($result, true);
        return array("status" => curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "type" => $type, "value" => $result);
    }
}

$client = new Client(getenv("SMTPETER"), getenv("TOKEN"));
$answers = array();
foreach (json_decode(stream_get_contents(STDIN), true) as $call) {
    $how = array_shift($call);
    $answers[] = $client->$how(...$call);
}
echo json_encode($answers);
