import json,re,hashlib
d={str(i):[j for j in range(i%50)] for i in range(20000)}
for _ in range(3):
    s=json.dumps(d); e=json.loads(s)
print(len(re.findall(r'\d+', s)), hashlib.sha256(s.encode()).hexdigest()[:8])
print(sum(sorted(range(1000000), key=lambda x:-x)[:10]))
