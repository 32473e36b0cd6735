#include "crypto/tls_identity.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "crypto/key.h"
#include "crypto/openssl.h"
#include "crypto/test_pki.h"

namespace countersign::crypto {
namespace {

using Pkcs12Ptr = OpensslPtr<PKCS12, PKCS12_free>;

Secret pem_of(const PkeyPtr& key, std::string_view passphrase = "") {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  require(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), cipher, passphrase.data(),
                                        static_cast<int>(passphrase.size()), nullptr, nullptr) == 1,
          "a key that cannot be written");
  return Secret::copy_of(text_of(bio.get()));
}

PkeyPtr curve(const char* name) {
  return PkeyPtr(EVP_EC_gen(name));
}

X509Ptr native(const Certificate& certificate) {
  const uint8_t* der = certificate.der.data();
  return X509Ptr(d2i_X509(nullptr, &der, static_cast<long>(certificate.der.size())));
}

TEST(TlsKey, IsTakenOfEveryKindThatCertificatesCommonlyHave) {
  for (const auto& key :
       {pem_of(curve("P-256")), pem_of(curve("P-384")), pem_of(PkeyPtr(EVP_RSA_gen(2048))),
        PrivateKey::generate(eddsa)->to_pem()}) {
    EXPECT_TRUE(parse_tls_key(key));
  }
}

TEST(TlsKey, IsRefusedIfWeakOrRare) {
  for (const auto& key : {pem_of(curve("P-224")), pem_of(curve("secp256k1")),
                          pem_of(curve("P-521")), pem_of(PkeyPtr(EVP_RSA_gen(1024)))}) {
    const auto parsed = parse_tls_key(key);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, "crypto.key_not_supported");
  }
}

TEST(TlsKey, IsNotAskedForOnATerminal) {
  const auto parsed = parse_tls_key(pem_of(curve("P-256"), "four words of it"));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, "crypto.bad_key");
}

TEST(DecryptPrivateKey, OpensWithThePassphraseAndWithNoOther) {
  const PkeyPtr key = curve("P-384");
  const Secret encrypted = pem_of(key, "four words of it");
  const auto opened = decrypt_private_key(encrypted, Secret::copy_of("four words of it"));
  ASSERT_TRUE(opened) << opened.error().for_log();
  EXPECT_TRUE(*opened == pem_of(key));
  for (const std::string_view wrong : {"", "four words of i", "four words of it\n"}) {
    const auto refused = decrypt_private_key(encrypted, Secret::copy_of(wrong));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, "crypto.bad_key");
  }
}

TEST(DecryptPrivateKey, LeavesAnOpenKeyAsItIs) {
  const PkeyPtr key = curve("P-256");
  EXPECT_TRUE(*decrypt_private_key(pem_of(key), {}) == pem_of(key));
  EXPECT_TRUE(*decrypt_private_key(pem_of(key), Secret::copy_of("not needed")) == pem_of(key));
}

TEST(DecryptPrivateKey, RefusesWhatIsNoKey) {
  for (const std::string_view text : {"", "-----BEGIN PRIVATE KEY-----\nAAAA\n", "hello"}) {
    EXPECT_EQ(decrypt_private_key(Secret::copy_of(text), {}).error().code, "crypto.bad_key");
  }
  EXPECT_EQ(decrypt_private_key(Secret::copy_of(std::string(70'000, 'x')), {}).error().code,
            "crypto.too_large");
}

// A file with leaf, intermediate and root; the others in the order given.
class Pkcs12Test : public ::testing::Test {
 protected:
  Pkcs12Test()
      : intermediate_(*testing::root().create_intermediate(
            testing::authority_options("Test Intermediate"), entropy_)),
        issued_(*intermediate_.issue(testing::client_spec(), entropy_)),
        leaf_(*parse_certificate_pem(issued_.certificate_pem)) {}

  Bytes file(const char* passphrase, int key_cipher = NID_aes_256_cbc) {
    const PkeyPtr key(
        PEM_read_bio_PrivateKey(memory_bio(issued_.private_key_pem.unsafe_reveal_text()).get(),
                                nullptr, give_passphrase, &none_));
    const X509StackPtr others(sk_X509_new_null());
    sk_X509_push(others.get(),
                 native(*parse_certificate_pem(testing::root().certificate_pem())).release());
    sk_X509_push(others.get(),
                 native(*parse_certificate_pem(intermediate_.certificate_pem())).release());
    const X509Ptr certificate = native(leaf_);
    const Pkcs12Ptr made(PKCS12_create(passphrase, "shop", key.get(), certificate.get(),
                                       others.get(), key_cipher, key_cipher, 2048, 2048, 0));
    require(made != nullptr, "a PKCS #12 file that cannot be made");
    return der_of(made.get(), i2d_PKCS12);
  }

  SystemEntropy entropy_;
  Secret none_;
  CertificateAuthority intermediate_;
  IssuedCertificate issued_;
  Certificate leaf_;
};

TEST_F(Pkcs12Test, GivesKeyAndChainWithoutTheRootWhateverTheOrder) {
  const auto identity = parse_pkcs12(file("four words of it"), Secret::copy_of("four words of it"));
  ASSERT_TRUE(identity) << identity.error().for_log();
  EXPECT_EQ(identity->certificate_chain_pem, issued_.chain_pem);
  EXPECT_TRUE(identity->private_key_pem == issued_.private_key_pem);
}

TEST_F(Pkcs12Test, NeedsThePassphrase) {
  const Bytes bytes = file("four words of it");
  for (const std::string_view wrong : {std::string_view(""), std::string_view("four words of i"),
                                       std::string_view("four words of it\0", 17)}) {
    EXPECT_EQ(parse_pkcs12(bytes, Secret::copy_of(wrong)).error().code, "crypto.bad_pkcs12");
  }
}

TEST_F(Pkcs12Test, RefusesWhatIsDamagedCutOrFollowedByMore) {
  const Bytes whole = file("pass");
  const Secret passphrase = Secret::copy_of("pass");
  Bytes cut(whole.begin(), whole.end() - 1);
  EXPECT_EQ(parse_pkcs12(cut, passphrase).error().code, "crypto.bad_pkcs12");
  Bytes more = whole;
  more.push_back(0);
  EXPECT_EQ(parse_pkcs12(more, passphrase).error().code, "crypto.bad_pkcs12");
  Bytes changed = whole;
  changed[whole.size() / 2] ^= 1;
  EXPECT_EQ(parse_pkcs12(changed, passphrase).error().code, "crypto.bad_pkcs12");
  EXPECT_EQ(parse_pkcs12(Bytes(), passphrase).error().code, "crypto.bad_pkcs12");
  EXPECT_EQ(parse_pkcs12(Bytes(pkcs12_bytes_max + 1, 0x30), passphrase).error().code,
            "crypto.too_large");
}

}  // namespace
}  // namespace countersign::crypto
